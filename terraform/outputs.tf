output "registry_url" {
  description = "REGISTRY_URL of every stage."
  value       = trimsuffix("gs://${google_storage_bucket.registry.name}/${local.prefix}", "/")
}

output "service_accounts" {
  description = "The address that each stage runs as."
  value       = { for stage in local.stages : stage => google_service_account.stage[stage].email }
}
