"""Templates of the tests on the double of CloudFormation: JSON, which it reads."""
import copy

QUEUE = {"Parameters": {"Wait": {"Type": "Number", "Default": "5"}},
         "Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"DelaySeconds": {"Ref": "Wait"}}}},
         "Outputs": {"Url": {"Value": {"Ref": "Queue"}}}}
BUCKET = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "data"}}


def with_resources(**more: dict) -> dict:
    """The queue's template and more."""
    template = copy.deepcopy(QUEUE)
    template["Resources"].update(more)
    return template
