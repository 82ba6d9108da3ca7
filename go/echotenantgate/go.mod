module github.com/tenantgate/tenantgate/go/echotenantgate

go 1.25.0

require (
	github.com/labstack/echo/v5 v5.3.1
	github.com/tenantgate/tenantgate/go v0.1.0
)

// In the repository the two modules are worked on together; who requires this one is not concerned.
replace github.com/tenantgate/tenantgate/go => ../
