"""The server's log: its files, and their way to CloudWatch Logs. Documented:
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_LogAccess.html"""
import psycopg
import pytest
from conformance.rds.test_instances import code_of
from harness.waiting import eventually


def in_portions(rds, name: str) -> str:
    whole, marker = "", "0"
    while True:
        part = rds.download_db_log_file_portion(DBInstanceIdentifier="shared", LogFileName=name, Marker=marker, NumberOfLines=3)
        whole, marker = whole + part["LogFileData"], part["Marker"]
        if not part["AdditionalDataPending"]:
            return whole


def test_files_are_listed_and_read_in_portions(rds, database):
    with pytest.raises(psycopg.errors.SyntaxError):
        database.query("selec 'a mistake that is logged'")
    files = rds.describe_db_log_files(DBInstanceIdentifier="shared")["DescribeDBLogFiles"]
    name = files[-1]["LogFileName"]
    assert name.startswith("error/postgresql.log.20") and files[-1]["Size"] > 0
    last = rds.download_db_log_file_portion(DBInstanceIdentifier="shared", LogFileName=name, NumberOfLines=2)
    assert "selec 'a mistake that is logged'" in last["LogFileData"] and last["LogFileData"].count("\n") == 2

    # A new file begins with every hour.
    whole = "".join(in_portions(rds, file["LogFileName"]) for file in files)
    assert "database system is ready to accept connections" in whole
    assert whole.count("ERROR:  syntax error") == whole.count("STATEMENT:  selec")
    assert rds.describe_db_log_files(DBInstanceIdentifier="shared", FilenameContains="slow")["DescribeDBLogFiles"] == []
    for other in ("error/none", "../pgdata/PG_VERSION", "error/../../pgdata/PG_VERSION"):
        assert code_of(rds.download_db_log_file_portion, DBInstanceIdentifier="shared",
                       LogFileName=other).startswith("DBLogFileNotFound")


def test_the_log_is_published(rds, database, clients):
    logs = clients("logs")
    rds.modify_db_instance(DBInstanceIdentifier="shared",
                           CloudwatchLogsExportConfiguration={"EnableLogTypes": ["postgresql"]})
    assert database.describe()["EnabledCloudwatchLogsExports"] == ["postgresql"]
    with pytest.raises(psycopg.errors.UndefinedTable):
        database.query("select * from a_table_that_is_not_there")

    def found() -> list:
        return [event["message"] for event in logs.filter_log_events(
            logGroupName="/aws/rds/instance/shared/postgresql", filterPattern="a_table_that_is_not_there")["events"]]
    messages = eventually(found, 20)
    assert any("ERROR:  relation" in message for message in messages)
    assert len(messages) == len(set(messages)), "each record once"
    rds.modify_db_instance(DBInstanceIdentifier="shared",
                           CloudwatchLogsExportConfiguration={"DisableLogTypes": ["postgresql"]})
    assert "EnabledCloudwatchLogsExports" not in database.describe()
