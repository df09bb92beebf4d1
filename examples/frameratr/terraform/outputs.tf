output "alb_url" {
  value = "http://${aws_lb.main.dns_name}"
}

output "ecr_repository_url" {
  value = aws_ecr_repository.backend.repository_url
}

output "rds_endpoint" {
  value = aws_db_instance.main.endpoint
}

output "ecs_cluster" {
  value = aws_ecs_cluster.main.name
}

output "account_id" {
  value = data.aws_caller_identity.current.account_id
}
