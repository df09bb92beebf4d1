"""A system test is skipped only for what the tree really lacks."""
from harness.served import not_served, operations_of


def test_the_tree_serves_what_it_has_handlers_for():
    assert "get_caller_identity" in operations_of("sts")
    assert not_served("sts:GetCallerIdentity", "sts:NoSuchOperation") == ["sts:NoSuchOperation"]
