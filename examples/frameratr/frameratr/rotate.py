"""`python -m frameratr.rotate`: a new database password. Secrets Manager runs it, with SECRET_ARN and CLIENT_REQUEST_TOKEN.

The exit code 0 says that the version CLIENT_REQUEST_TOKEN works. Run again after a crash, it goes on where it was.
"""
import json
import os
import sys
from collections.abc import Mapping

import boto3
import psycopg
from psycopg import sql

from frameratr.database import conninfo


def rotate(secrets, settings: Mapping[str, str] = os.environ) -> None:
    secret, version = settings["SECRET_ARN"], settings["CLIENT_REQUEST_TOKEN"]
    current = json.loads(secrets.get_secret_value(SecretId=secret)["SecretString"])
    try:
        pending = json.loads(secrets.get_secret_value(SecretId=secret, VersionId=version)["SecretString"])
    except secrets.exceptions.ResourceNotFoundException:
        fresh = secrets.get_random_password(PasswordLength=24, ExcludePunctuation=True)["RandomPassword"]
        pending = {**current, "DB_PASS": fresh}
        secrets.put_secret_value(SecretId=secret, ClientRequestToken=version, SecretString=json.dumps(pending),
                                 VersionStages=["AWSPENDING"])
    if works(pending):
        return
    with psycopg.connect(conninfo(current)) as db:
        db.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(pending["DB_USER"]), sql.Literal(pending["DB_PASS"])))
    psycopg.connect(conninfo(pending)).close()


def works(pending: dict) -> bool:
    try:
        psycopg.connect(conninfo(pending)).close()
    except psycopg.OperationalError:
        return False
    return True


def main() -> int:
    try:
        rotate(boto3.client("secretsmanager"))
    except Exception as error:  # noqa: BLE001 - whatever it is, the password has not been rotated
        print(f"not rotated: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    print("rotated")
    return 0


if __name__ == "__main__":
    sys.exit(main())
