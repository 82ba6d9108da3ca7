module github.com/tenantgate/tenantgate/examples/go-leave-service

go 1.25.0

require (
	github.com/labstack/echo/v5 v5.3.1
	github.com/tenantgate/tenantgate/go v0.1.0
	github.com/tenantgate/tenantgate/go/echotenantgate v0.1.0
)

require golang.org/x/time v0.15.0 // indirect

// The modules of this repository; leave these out in a service of your own.
replace (
	github.com/tenantgate/tenantgate/go => ../../go
	github.com/tenantgate/tenantgate/go/echotenantgate => ../../go/echotenantgate
)
