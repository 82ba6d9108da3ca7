// Package headers has what both servers that decide need of a request's headers.
package headers

import authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"

// FromMap fills headers from header_map, which is all that an Envoy with encode_raw_headers sends.
func FromMap(r *authv3.CheckRequest) {
	http := r.GetAttributes().GetRequest().GetHttp()
	all := http.GetHeaderMap().GetHeaders()
	if len(all) == 0 || len(http.GetHeaders()) > 0 {
		return
	}
	http.Headers = make(map[string]string, len(all))
	for _, header := range all {
		value := header.GetValue()
		if value == "" {
			value = string(header.GetRawValue())
		}
		http.Headers[header.GetKey()] = value
	}
	http.HeaderMap = nil
}
