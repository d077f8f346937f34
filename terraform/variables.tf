variable "project" {
  description = "The project that the bucket and the service accounts belong to."
  type        = string
}

variable "bucket" {
  description = "The name of the bucket, which is made."
  type        = string
}

variable "location" {
  description = "Where the bucket is, as EU, US or europe-west1."
  type        = string
}

variable "prefix" {
  description = "The path of the registry's root in the bucket; empty for the bucket's own root."
  type        = string
  default     = "models"

  validation {
    condition     = can(regex("^[A-Za-z0-9._/-]*$", var.prefix))
    error_message = "Letters, digits, dots, slashes, hyphens and underscores only."
  }
}

variable "account_prefix" {
  description = "What the service accounts' names begin with, before training, gate or service."
  type        = string
  default     = "classifier-"
}
