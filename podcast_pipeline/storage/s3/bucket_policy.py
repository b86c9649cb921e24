"""The bucket policy, CORS rules and lifecycle rules that a bucket needs. Pure."""

from typing import Any


def bucket_policy(bucket: str, prefix: str = "") -> dict[str, Any]:
    """Return the policy that allows everybody to read `public/` of a bucket, and nothing else.

    Args:
        prefix: storage.prefix, "" or "name".

    Source: docs.aws.amazon.com/AmazonS3/latest/userguide/example-bucket-policies.html. Without
    s3:ListBucket nobody can list, and on AWS a missing object is answered 403.
    """
    before = f"{prefix}/" if prefix else ""
    statement = {
        "Sid": "AnybodyReadsPublic",
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/{before}public/*",
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def cors_rules() -> dict[str, Any]:
    """Return the CORS rules of a bucket with `public/`: any web page may read, without cookies.

    Source: conformance rule H5.
    """
    rule = {
        "AllowedMethods": ["GET", "HEAD"],
        "AllowedOrigins": ["*"],
        "AllowedHeaders": ["*"],
        "ExposeHeaders": ["Accept-Ranges", "Content-Length", "Content-Range", "ETag", "Last-Modified"],
        "MaxAgeSeconds": 86400,
    }
    return {"CORSRules": [rule]}


def lifecycle_rules(prefix: str = "") -> dict[str, Any]:
    """Return the lifecycle rules that remove the parts of uploads unfinished after a week."""
    rule = {
        "ID": "unfinished-uploads",
        "Status": "Enabled",
        "Filter": {"Prefix": f"{prefix}/" if prefix else ""},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
    }
    return {"Rules": [rule]}
