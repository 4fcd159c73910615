"""Shared stores for the tests: servers that speak S3, Google's and SSH, and one that is silent."""

import asyncio
import logging
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncssh
import boto3
import requests
from gcp_storage_emulator.server import create_server
from moto.server import ThreadedMotoServer

BUCKET = "images"
SETTINGS = {
    "AWS_ACCESS_KEY_ID": "one",
    "AWS_SECRET_ACCESS_KEY": "two",
    "AWS_DEFAULT_REGION": "us-east-1",
}


def bucket_client(settings: Mapping[str, str]) -> Any:
    """Who speaks S3 by these settings."""
    return boto3.client(
        "s3",
        endpoint_url=settings["AWS_ENDPOINT_URL"],
        region_name=settings["AWS_DEFAULT_REGION"],
        aws_access_key_id=settings["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=settings["AWS_SECRET_ACCESS_KEY"],
    )


def keys_of(settings: Mapping[str, str]) -> list[str]:
    """The keys of all that lies in the bucket."""
    pages = bucket_client(settings).get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
    return [item["Key"] for page in pages for item in page.get("Contents", ())]


@contextmanager
def serving_s3() -> Iterator[dict[str, str]]:
    """Serve an empty bucket on 127.0.0.1; yields the environment in which it is found."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    host, port = server.get_host_and_port()
    settings = {**SETTINGS, "AWS_ENDPOINT_URL": f"http://{host}:{port}"}
    try:
        # All servers of a process have their buckets in common.
        reset = requests.post(f"{settings['AWS_ENDPOINT_URL']}/moto-api/reset", timeout=600)
        reset.raise_for_status()
        bucket_client(settings).create_bucket(Bucket=BUCKET)
        yield settings
    finally:
        server.stop()


@contextmanager
def serving_gs() -> Iterator[dict[str, str]]:
    """The same of a server that speaks Google's protocol."""
    logging.getLogger("gcp_storage_emulator").setLevel(logging.CRITICAL)
    server = create_server("127.0.0.1", 0, in_memory=True, default_bucket=BUCKET)
    server.start()
    port = server._api._httpd.server_port
    try:
        yield {
            "STORAGE_EMULATOR_HOST": f"http://127.0.0.1:{port}",
            "FSSPEC_GS_TOKEN": "anon",
            # Else gcsfs asks by gRPC what kind of bucket it is, which no such server knows.
            "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false",
        }
    finally:
        server.stop()


@contextmanager
def hanging() -> Iterator[str]:
    """The address of a server on 127.0.0.1 that takes connections, and says nothing."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        bound.listen(64)
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


@contextmanager
def serving_ssh(folder: Path) -> Iterator[int]:
    """Serve files by SFTP on a port of 127.0.0.1; a user's ``.ssh`` is made in ``folder``."""
    home = folder / ".ssh"
    home.mkdir(mode=0o700)
    host_key, user_key = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    user_key.write_private_key(home / "id_ed25519")
    (folder / "authorized").write_bytes(user_key.export_public_key())
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(
        asyncssh.listen(
            "127.0.0.1",
            0,
            server_host_keys=[host_key],
            authorized_client_keys=str(folder / "authorized"),
            sftp_factory=True,
        )
    )
    port = server.get_port()
    known = host_key.export_public_key().decode()
    (home / "known_hosts").write_text(f"[127.0.0.1]:{port} {known}")
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield port
    finally:
        asyncio.run_coroutine_threadsafe(_end(server), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


async def _end(server: asyncssh.SSHAcceptor) -> None:
    server.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
