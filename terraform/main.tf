# The registry's bucket and who may do what in it. The table is permissions.json;
# docs/permissions.md explains it.

locals {
  bucket = "projects/_/buckets/${var.bucket}"
  prefix = trim(var.prefix, "/")
  root   = "${local.bucket}/objects/${local.prefix == "" ? "" : "${local.prefix}/"}"

  permissions = jsondecode(templatefile("${path.module}/permissions.json", {
    bucket = local.bucket
    root   = local.root
  }))
  stages = toset([for grant in local.permissions.grants : grant.stage])
  grants = { for grant in local.permissions.grants : "${grant.stage}/${grant.area}" => grant }
}

resource "google_storage_bucket" "registry" {
  project  = var.project
  name     = var.bucket
  location = var.location

  # Conditions on names need the first; nothing in here is for the public.
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  # What was replaced or removed can be brought back for a month. Never a retention_policy:
  # it would forbid replacing what a stage holds.
  soft_delete_policy {
    retention_duration_seconds = 30 * 24 * 60 * 60
  }
  versioning {
    enabled = false
  }

  lifecycle {
    prevent_destroy = true
  }
}

resource "google_service_account" "stage" {
  for_each = local.stages

  project      = var.project
  account_id   = "${var.account_prefix}${each.key}"
  display_name = "Image classifier: ${each.key}"
}

resource "google_storage_bucket_iam_member" "grant" {
  for_each = local.grants

  bucket = google_storage_bucket.registry.name
  role   = each.value.role
  member = google_service_account.stage[each.value.stage].member

  condition {
    title      = each.value.area
    expression = local.permissions.areas[each.value.area].condition
  }
}
