# The workload for OPA: routes are found by look-ups in indexed data (method, resource, action), roles
# are objects used as sets, no regular expressions, no iteration, and one chain of `else`, so that
# nothing is evaluated once the verdict is known.
package authz

result := {
	"allowed": true,
	"headers": {"x-user-id": claims.sub, "x-org-role": claims.orgRole},
} if {
	path := input.parsed_path
	path[3] == claims.organizationId
	path[0] == "api"
	path[1] == "v1"
	path[2] == "organizations"
	path[5] != ""
	count(path) <= 7
	action := concat("", array.slice(path, 6, 7)) # "" when the template ends at the id
	permission := data.routes[input.attributes.request.http.method][path[4]][action]
	data.roles[claims.orgRole][permission]
} else := {"allowed": false, "http_status": 403} if {
	claims
} else := {"allowed": false, "http_status": 401}

claims := payload if {
	header := input.attributes.request.http.headers.authorization
	startswith(header, "Bearer ")
	[valid, _, payload] := io.jwt.decode_verify(substring(header, 7, -1), data.constraints)
	valid
	payload.exp # decode_verify looks at exp only where there is one
}
