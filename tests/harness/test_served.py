"""A system test is skipped only for what the tree really lacks."""
from harness.served import not_served, operations_of


def test_the_tree_serves_what_it_has_handlers_for():
    assert "create_cluster" in operations_of("ecs")
    assert not_served("ecs:NoSuchOperation")
