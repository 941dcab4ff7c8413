// The door's event loop: Asio's types, bound to one io_context so that nothing is erased per operation.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace gitopsd::server {

namespace asio = boost::asio;
using asio::ip::tcp;
using Executor = asio::io_context::executor_type;
using Socket = asio::basic_stream_socket<tcp, Executor>;
using Acceptor = asio::basic_socket_acceptor<tcp, Executor>;
using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>, Executor>;
template <class T>
using Task = asio::awaitable<T, Executor>;
/// Resumes the coroutine; errors throw.
inline constexpr asio::use_awaitable_t<Executor> kResume{};
/// Resumes the coroutine with what the operation was called with.
using Resumer = asio::async_result<asio::use_awaitable_t<Executor>, void()>::handler_type;
using WaitResumer =
    asio::async_result<asio::use_awaitable_t<Executor>, void(boost::system::error_code)>::handler_type;

}  // namespace gitopsd::server
