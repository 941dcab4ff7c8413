#include "providers/aws/data_guard.h"

#include <doctest/doctest.h>

using namespace gitopsd::aws;
using gitopsd::protocol::Destroys;

namespace {

ChangeSet one(ResourceChange change) {
  ChangeSet set;
  set.changes.push_back(std::move(change));
  return set;
}

const ChangeSet kReplaced = one({"Modify", "Db", "AWS::RDS::DBInstance", "db", "Conditional", "", {}});
const ChangeSet kDeleted = one({"Remove", "Odd", "Custom::Odd", "o", "", "", {}});

}  // namespace

TEST_CASE("what holds data is lost where it is deleted, or may be replaced") {
  const DataGuard guard{DataPolicy()};
  CHECK(guard.of(kReplaced) == Destroys::data);
  CHECK(guard.of(kDeleted) == Destroys::data);
  CHECK(guard.of(one({"Add", "Db", "AWS::RDS::DBInstance", "", "", "", {}})) == Destroys::nothing);
  CHECK(guard.of(one({"Modify", "Db", "AWS::RDS::DBInstance", "db", "False", "", {}})) == Destroys::nothing);
  CHECK(guard.of(one({"Remove", "Bucket", "AWS::S3::Bucket", "b", "", "Retain", {}})) == Destroys::nothing);
  // A snapshot is another thing than the database.
  CHECK(guard.of(one({"Remove", "Db", "AWS::RDS::DBInstance", "db", "", "Snapshot", {}})) == Destroys::data);
  // What it does is not known.
  CHECK(guard.of(one({"Dynamic", "Db", "AWS::RDS::DBInstance", "db", "", "", {}})) == Destroys::data);
  CHECK(guard.of(one({"Modify", "Rule", "AWS::Events::Rule", "r", "True", "", {}})) == Destroys::restart);
  CHECK(guard.of_deletion() == Destroys::data);
}

TEST_CASE("what holds data is known of services large and small") {
  const DataGuard guard{DataPolicy()};
  for (const char* type :
       {"AWS::ACMPCA::CertificateAuthority", "AWS::DSQL::Cluster", "AWS::DirectoryService::MicrosoftAD",
        "AWS::DirectoryService::SimpleAD", "AWS::DocDBElastic::Cluster", "AWS::Lightsail::Database",
        "AWS::Lightsail::Disk", "AWS::NeptuneGraph::Graph", "AWS::RedshiftServerless::Namespace",
        "AWS::S3Express::DirectoryBucket", "AWS::S3Tables::Table", "AWS::S3Tables::TableBucket",
        "AWS::SSM::Parameter", "AWS::SageMaker::FeatureGroup", "AWS::Timestream::InfluxDBInstance",
        "AWS::WorkspacesInstances::WorkspaceInstance"}) {
    CAPTURE(type);
    CHECK(guard.holds_data(type));
  }
  for (const char* type : {"AWS::Lambda::Function", "AWS::S3::BucketPolicy", "AWS::DSQL", ""})
    CHECK_FALSE(guard.holds_data(type));
}

TEST_CASE("a nested stack of which nobody knows what changes in it may lose data") {
  const ChangeSet hidden = one({"Modify", "Store", "AWS::CloudFormation::Stack", "s", "False", "", {}});
  ChangeSet told = hidden;
  told.changes[0].nested = "arn:aws:cloudformation:eu-central-1:123456789012:changeSet/store/1";
  CHECK(DataGuard{DataPolicy()}.of(hidden) == Destroys::data);
  CHECK(DataGuard{DataPolicy()}.of(told) == Destroys::nothing);
  CHECK(DataGuard{DataPolicy()}.of(one({"Add", "Store", "AWS::CloudFormation::Stack", "", "", "", {}})) ==
        Destroys::nothing);

  DataPolicy policy;
  policy.replace = policy.declared_remove = true;
  StackOptions declared;
  CHECK(DataGuard(policy, declared).of(hidden) == Destroys::data);
  declared.may_delete = {"Store"};
  CHECK(DataGuard(policy, declared).of(hidden) == Destroys::restart);
}

TEST_CASE("the policy adds types, and allows losses itself or lets the declaration allow them") {
  DataPolicy policy;
  policy.types = {"AWS::Events::Rule"};
  CHECK(DataGuard(policy).of(one({"Modify", "Rule", "AWS::Events::Rule", "r", "True", "", {}})) ==
        Destroys::data);

  StackOptions declared;
  declared.may_replace = {"Db"};
  declared.may_delete = {"Other"};
  CHECK(DataGuard(policy, declared).of(kReplaced) == Destroys::data);
  policy.declared_replace = policy.declared_remove = true;
  CHECK(DataGuard(policy, declared).of(kReplaced) == Destroys::restart);
  CHECK(DataGuard(policy, declared).of(kDeleted) == Destroys::data);

  policy.remove = true;
  CHECK(DataGuard(policy, declared).of(kDeleted) == Destroys::restart);
  CHECK(DataGuard(policy).of(kReplaced) == Destroys::data);
  CHECK(DataGuard(policy).of_deletion() == Destroys::restart);
}
