"""Listeners, rules and their actions. Documented: docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-rules.html."""


def test_a_listener_forwards(elbv2, make):
    balancer, group = make.load_balancer(), make.target_group()
    listener = make.listener(balancer, group)
    assert listener["Port"] == 80 and listener["LoadBalancerArn"] == balancer["LoadBalancerArn"]
    action = listener["DefaultActions"][0]
    assert action["TargetGroupArn"] == group["TargetGroupArn"]
    assert action["ForwardConfig"] == {"TargetGroups": [{"TargetGroupArn": group["TargetGroupArn"], "Weight": 1}],
                                       "TargetGroupStickinessConfig": {"Enabled": False}}
    found = elbv2.describe_target_groups(LoadBalancerArn=balancer["LoadBalancerArn"])["TargetGroups"]
    assert [item["LoadBalancerArns"] for item in found] == [[balancer["LoadBalancerArn"]]]


def test_one_listener_a_port(elbv2, make, refused):
    balancer, group = make.load_balancer(), make.target_group()
    listener = make.listener(balancer, group)
    assert make.listener(balancer, group)["ListenerArn"] == listener["ListenerArn"], "the same settings once more"
    message = refused("DuplicateListener", elbv2.create_listener, LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="HTTP", Port=80,
                      DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}])
    assert "A listener already exists on this port" in message


def test_a_target_group_has_one_load_balancer(elbv2, make, refused):
    group = make.target_group()
    make.listener(make.load_balancer(), group)
    other = make.load_balancer()
    message = refused("TargetGroupAssociationLimit", elbv2.create_listener, LoadBalancerArn=other["LoadBalancerArn"], Protocol="HTTP",
                      Port=80, DefaultActions=[{"Type": "forward", "TargetGroupArn": group["TargetGroupArn"]}])
    assert "cannot be associated with more than one load balancer" in message


def test_a_used_target_group_stays(elbv2, make, refused):
    group = make.target_group()
    listener = make.listener(make.load_balancer(), group)
    message = refused("ResourceInUse", elbv2.delete_target_group, TargetGroupArn=group["TargetGroupArn"])
    assert message == f"Target group '{group['TargetGroupArn']}' is currently in use by a listener or a rule"
    elbv2.delete_listener(ListenerArn=listener["ListenerArn"])
    elbv2.delete_target_group(TargetGroupArn=group["TargetGroupArn"])


def test_rules_in_order(elbv2, make, refused):
    balancer, group = make.load_balancer(), make.target_group()
    listener = make.listener(balancer, group)["ListenerArn"]

    def rule(priority, path):
        return elbv2.create_rule(ListenerArn=listener, Priority=priority, Conditions=[{"Field": "path-pattern", "Values": [path]}],
                                 Actions=[{"Type": "forward", "TargetGroupArn": group["TargetGroupArn"]}])["Rules"][0]

    second, first = rule(20, "/b*"), rule(10, "/a*")
    assert first["Conditions"] == [{"Field": "path-pattern", "Values": ["/a*"], "PathPatternConfig": {"Values": ["/a*"]}}]
    priorities = [item["Priority"] for item in elbv2.describe_rules(ListenerArn=listener)["Rules"]]
    assert priorities == ["10", "20", "default"]
    message = refused("PriorityInUse", elbv2.create_rule, ListenerArn=listener, Priority=10,
                      Conditions=[{"Field": "path-pattern", "Values": ["/x"]}],
                      Actions=[{"Type": "forward", "TargetGroupArn": group["TargetGroupArn"]}])
    assert message == "Priority '10' is currently in use"
    elbv2.set_rule_priorities(RulePriorities=[{"RuleArn": first["RuleArn"], "Priority": 20}, {"RuleArn": second["RuleArn"], "Priority": 10}])
    arns = [item["RuleArn"] for item in elbv2.describe_rules(ListenerArn=listener)["Rules"]]
    assert arns[:2] == [second["RuleArn"], first["RuleArn"]]
    refused("OperationNotPermitted", elbv2.delete_rule, RuleArn=arns[2])
    elbv2.delete_rule(RuleArn=first["RuleArn"])
    refused("RuleNotFound", elbv2.describe_rules, RuleArns=[first["RuleArn"]])


def test_every_condition(elbv2, make):
    listener = make.listener(make.load_balancer(), make.target_group())["ListenerArn"]
    conditions = [
        {"Field": "host-header", "HostHeaderConfig": {"Values": ["*.example.com"]}},
        {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-Kind", "Values": ["a*"]}},
        {"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["GET"]}},
        {"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "v", "Value": "1"}]}},
        {"Field": "source-ip", "SourceIpConfig": {"Values": ["198.18.0.0/16"]}},
    ]
    made = elbv2.create_rule(ListenerArn=listener, Priority=1, Conditions=conditions, Actions=[
        {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "403", "ContentType": "text/plain", "MessageBody": "no"}}])
    found = {item["Field"]: item for item in made["Rules"][0]["Conditions"]}
    assert found["host-header"]["Values"] == ["*.example.com"]
    assert found["query-string"]["QueryStringConfig"]["Values"] == [{"Key": "v", "Value": "1"}]
    changed = elbv2.modify_rule(RuleArn=made["Rules"][0]["RuleArn"], Conditions=conditions[:1])["Rules"][0]
    assert len(changed["Conditions"]) == 1 and changed["Actions"][0]["Type"] == "fixed-response"


def test_bad_conditions(elbv2, make, refused):
    listener = make.listener(make.load_balancer(), make.target_group())["ListenerArn"]
    answer = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}]

    def bad(code, *conditions):
        return refused(code, elbv2.create_rule, ListenerArn=listener, Priority=1, Conditions=list(conditions), Actions=answer)

    assert "must be one of" in bad("ValidationError", {"Field": "colour", "Values": ["red"]})
    assert "5" in bad("ValidationError", {"Field": "path-pattern", "Values": list("abcdef")})
    bad("ValidationError", {"Field": "path-pattern", "Values": ["/*/*/*/*/*/*"]})
    bad("ValidationError", {"Field": "source-ip", "SourceIpConfig": {"Values": ["1.2.3.4"]}})
    bad("ValidationError", {"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["get"]}})
    bad("ValidationError", {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "Host", "Values": ["x"]}})
    path = {"Field": "path-pattern", "Values": ["/x"]}
    bad("InvalidConfigurationRequest", path, path)


def test_transforms(elbv2, make, refused):
    """Documented: elasticloadbalancing/latest/application/rule-transforms.html"""
    listener = make.listener(make.load_balancer(), make.target_group())
    url = {"Type": "url-rewrite", "UrlRewriteConfig": {"Rewrites": [{"Regex": "^/dp/([A-Z0-9]+)$", "Replace": "/product?id=$1"}]}}
    host = {"Type": "host-header-rewrite", "HostHeaderRewriteConfig": {"Rewrites": [{"Regex": "^a-(.+)$", "Replace": "in.$1"}]}}
    base = {"ListenerArn": listener["ListenerArn"], "Priority": 1, "Conditions": [{"Field": "path-pattern", "Values": ["/dp/*"]}],
            "Actions": listener["DefaultActions"]}
    for bad in ([url, url], [{"Type": "url-rewrite"}], [{**url, "Type": "host-header-rewrite"}], [{"Type": "url-rewrite", "UrlRewriteConfig": {
            "Rewrites": [{"Regex": "(?=x)", "Replace": "/"}]}}]):
        refused("ValidationError", elbv2.create_rule, Transforms=bad, **base)
    rule = elbv2.create_rule(Transforms=[url, host], **base)["Rules"][0]

    def transforms():
        return elbv2.describe_rules(RuleArns=[rule["RuleArn"]])["Rules"][0]["Transforms"]

    assert transforms() == rule["Transforms"] == [url, host]
    elbv2.modify_rule(RuleArn=rule["RuleArn"], Conditions=[{"Field": "path-pattern", "Values": ["/x/*"]}])
    assert transforms() == [url, host], "they stay when something else changes"
    elbv2.modify_rule(RuleArn=rule["RuleArn"], Transforms=[host])
    assert transforms() == [host]
    refused("ValidationError", elbv2.modify_rule, RuleArn=rule["RuleArn"], Transforms=[url], ResetTransforms=True)
    elbv2.modify_rule(RuleArn=rule["RuleArn"], ResetTransforms=True)
    assert transforms() == []
    assert elbv2.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"][-1]["Transforms"] == []


def test_redirects(elbv2, make, refused):
    balancer = make.load_balancer()

    def create(port=80, **config):
        return {"LoadBalancerArn": balancer["LoadBalancerArn"], "Protocol": "HTTP", "Port": port,
                "DefaultActions": [{"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_301", **config}}]}

    made = elbv2.create_listener(**create(Protocol="HTTPS", Port="443"))["Listeners"][0]["DefaultActions"][0]["RedirectConfig"]
    assert made == {"Protocol": "HTTPS", "Port": "443", "Host": "#{host}", "Path": "/#{path}", "Query": "#{query}",
                    "StatusCode": "HTTP_301"}
    assert "loop" in refused("InvalidLoadBalancerAction", elbv2.create_listener, **create(81))
    refused("ValidationError", elbv2.create_listener, **create(81, Port="70000"))


def test_weighted_groups(elbv2, make, refused):
    balancer, one, two = make.load_balancer(), make.target_group(), make.target_group()
    tuples = [{"TargetGroupArn": group["TargetGroupArn"], "Weight": weight} for group, weight in ((one, 9), (two, 1))]
    listener = make.listener(balancer, one, DefaultActions=[{"Type": "forward", "ForwardConfig": {
        "TargetGroups": tuples, "TargetGroupStickinessConfig": {"Enabled": True, "DurationSeconds": 60}}}])
    action = listener["DefaultActions"][0]
    assert "TargetGroupArn" not in action and action["ForwardConfig"]["TargetGroups"] == tuples
    tuples[0]["Weight"] = 1000
    refused("ValidationError", elbv2.modify_listener, ListenerArn=listener["ListenerArn"],
            DefaultActions=[{"Type": "forward", "ForwardConfig": {"TargetGroups": tuples}}])


def test_https_needs_a_certificate(elbv2, make, refused):
    balancer, group = make.load_balancer(), make.target_group()
    more = {"LoadBalancerArn": balancer["LoadBalancerArn"], "Protocol": "HTTPS", "Port": 443,
            "DefaultActions": [{"Type": "forward", "TargetGroupArn": group["TargetGroupArn"]}]}
    assert "certificate must be specified" in refused("ValidationError", elbv2.create_listener, **more)
    unknown = balancer["LoadBalancerArn"].split("elasticloadbalancing")[0] + "acm:us-west-1:123456789012:certificate/x"
    refused("CertificateNotFound", elbv2.create_listener, **more, Certificates=[{"CertificateArn": unknown}])
    refused("UnsupportedProtocol", elbv2.create_listener, **{**more, "Protocol": "TCP"})
