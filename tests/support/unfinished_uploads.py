"""An upload that a killed process left unfinished."""

from pathlib import Path

from podcast_pipeline.storage import Store
from podcast_pipeline.storage.local import LocalStore
from podcast_pipeline.storage.s3.store import S3Store

MEGABYTE = 1024 * 1024


def leave_unfinished_upload(store: Store, key: str) -> None:
    """Leave a put of 5 MiB in the state that a kill leaves."""
    body = b"x" * 5 * MEGABYTE
    if isinstance(store, S3Store):
        bucket, name = store.settings.bucket_and_name(key)
        upload = store.client.create_multipart_upload(Bucket=bucket, Key=name)["UploadId"]
        store.client.upload_part(Bucket=bucket, Key=name, UploadId=upload, PartNumber=1, Body=body)
        return
    assert isinstance(store, LocalStore)
    version = store._versions(key).with_name(f"{Path(key).name}@killed")
    version.mkdir(parents=True)
    (version / "body").write_bytes(body)
