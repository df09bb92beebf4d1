variable "region" {
  description = "Region of the deployment"
  type        = string
  default     = "us-east-2"
}

variable "project" {
  type    = string
  default = "frameratr"
}

variable "environment" {
  type    = string
  default = "dev"
}

variable "db_password" {
  description = "Password of the database's user fr_user"
  type        = string
  sensitive   = true
}

variable "tmdb_url" {
  description = "The outside movie API"
  type        = string
  default     = "https://api.themoviedb.org/3"
}

variable "tmdb_token" {
  description = "Token for the outside movie API"
  type        = string
  sensitive   = true
}

variable "jwt_public_key" {
  description = "PEM of the public key whose tokens are believed"
  type        = string
}
