module github.com/tenantgate/tenantgate/go

go 1.23
