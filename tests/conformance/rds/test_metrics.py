"""What CloudWatch shows of DB instances. Documented:
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-metrics.html"""
import datetime

from harness.waiting import eventually

GIB = 1 << 30


def latest(clients, metric: str, statistic: str = "Average") -> list[float]:
    now = datetime.datetime.now(datetime.timezone.utc)
    points = clients("cloudwatch").get_metric_statistics(
        Namespace="AWS/RDS", MetricName=metric, Dimensions=[{"Name": "DBInstanceIdentifier", "Value": "shared"}],
        StartTime=now - datetime.timedelta(minutes=3), EndTime=now + datetime.timedelta(minutes=1), Period=60,
        Statistics=[statistic])["Datapoints"]
    return [point[statistic] for point in sorted(points, key=lambda point: point["Timestamp"])]


def test_metrics_are_measured_every_minute(clients, database):
    with database.connect(), database.connect():
        # Two sessions are held open until a minute's look has seen them.
        eventually(lambda: latest(clients, "DatabaseConnections", "Maximum")[-1] >= 2, 150, every_s=2)
    free = latest(clients, "FreeStorageSpace")[-1]
    assert 15 * GIB < free < 20 * GIB
    assert 0 < latest(clients, "FreeableMemory")[-1] < GIB
    assert latest(clients, "TransactionLogsDiskUsage")[-1] >= 16 << 20
    database.query("create table if not exists load as select n, repeat('x', 500) from generate_series(1, 100000) n")
    eventually(lambda: max(latest(clients, "WriteThroughput")) > 0 and max(latest(clients, "CPUUtilization")) > 0, 150, every_s=2)
    assert all(0 <= value <= 100 for value in latest(clients, "CPUUtilization"))
    database.query("drop table load")
