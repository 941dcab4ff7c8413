// What the loader knows while it reads: the file at hand, the problems so far, names and references to them.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/config.h"
#include "config/shape.h"

namespace gitopsd::config {

struct Place {
  std::string file;
  Position position;
  std::string str() const;  ///< FILE:LINE:COLUMN
};

/// What names are unique within and references point into.
enum class Namespace { hook, repository, destination, application, application_uid };

class Reader {
 public:
  /// From here on values are of this file; the views must stay valid until the next call.
  void begin_file(std::string_view file, std::string_view text);

  /// Notes a problem at a place of the file at hand; `message` gets the path of keys in front.
  void problem(Position, std::string_view message, std::string hint = {});
  /// The same at the place of a value that was read earlier.
  void problem(const Place&, std::string_view message, std::string hint = {});
  /// Problems of a reader or check that knows no place get this one; those of one that does keep theirs.
  void add(const Failure&, Position);

  /// Whether the value has one of the shape's types and words; notes what was expected where it does not.
  /// `quoted`: a value of another type would be right as a text.
  bool fits(const Value&, const Shape&, bool quoted = false);
  /// Notes a key that is not among `members`.
  void unknown_key(const std::string& key, const Value& member, const std::vector<Member>& members);
  /// False, with a problem naming both places, where an earlier file has set the same key.
  bool set_once(Position);

  /// Remembers where a section was first given.
  void note_section(Position);
  bool was_read(std::string_view section) const { return sections_.contains(section); }
  /// Where that section was first given, or the beginning of the first file.
  Place first_place(std::string_view section) const;

  // The path of keys, such as `applications[2].check_interval`, that messages begin with.
  class Scope {
   public:
    Scope(Reader& reader, std::string key);
    Scope(Reader& reader, std::size_t index);
    ~Scope() { reader_.path_.pop_back(); }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Reader& reader_;
  };
  std::string path() const;
  Place place(Position position) const { return {std::string(file_), position}; }
  std::string file() const { return std::string(file_); }

  void declare(Namespace, const std::string& name, Position);
  void refer(Namespace, const std::string& name, Position);
  /// Notes every reference that has no declaration. After the last file.
  void check_references();

  /// A secret that was named, and how long it must be at least.
  struct NamedSecret {
    SecretRef secret;
    std::size_t least_bytes = 1;
    Place place;
    std::string path;
  };
  void name_secret(const SecretRef&, std::size_t least_bytes, Position);
  /// A file that must be readable when the configuration comes into force.
  void name_file(const std::string& file, Position);
  /// A user of this host who is let in.
  void name_user(const std::string& name, Position);
  /// What is allowed and unwise, or will not work on this host as it is now. In warnings.cpp.
  std::vector<Problem> warnings(const Config&) const;
  /// Reads each named secret and file; notes those that are missing, empty or short.
  void check_secrets_and_files();

  /// In the order of the files and of their lines.
  std::vector<Problem> problems() const;

 private:
  struct Reference {
    Namespace space;
    std::string name;
    Place place;
    std::string path;
  };
  Position key_position(const std::string& key, Position value) const;

  std::string_view file_, text_;
  std::vector<std::string> path_;
  std::vector<Problem> problems_;
  std::vector<std::string> files_read_;
  std::map<std::string, Place> set_;
  std::map<std::string, Place, std::less<>> sections_;
  std::map<std::pair<Namespace, std::string>, Place> names_;
  std::vector<Reference> references_;
  std::vector<NamedSecret> secrets_;
  struct NamedFile {
    std::string file;
    Place place;
    std::string path;
  };
  std::vector<NamedFile> files_;
  struct NamedUser {
    std::string name;
    Place place;
    std::string path;
  };
  std::vector<NamedUser> users_;
};

}  // namespace gitopsd::config
