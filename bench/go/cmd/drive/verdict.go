package main

import "encoding/binary"

// verdict is what became of a request.
type verdict int

const (
	allow verdict = iota
	deny
	unavailable // denied with 503: the server could not decide
	failed      // no answer in the protocol's sense
	gaveUp      // we no longer waited
	verdicts
)

var verdictNames = [verdicts]string{"allow", "deny", "unavailable", "failed", "gave_up"}

func verdictOf(s *stream, client bool) verdict {
	if client {
		return ofStatus(s.status)
	}
	if s.grpc != 0 || len(s.body) < 5 {
		return failed
	}
	return ofCheckResponse(s.body[5:])
}

func ofStatus(status int) verdict {
	switch {
	case status == 200:
		return allow
	case status == 503:
		return unavailable
	case status >= 400 && status < 500:
		return deny
	}
	return failed
}

// ofCheckResponse reads envoy.service.auth.v3.CheckResponse: 1 status, 2 denied_response.
func ofCheckResponse(b []byte) verdict {
	v := allow
	for len(b) > 0 {
		number, value, rest, ok := field(b)
		if !ok {
			return failed
		}
		b = rest
		switch {
		case number == 2:
			return ofDenied(value)
		case number == 1 && len(value) > 1 && value[0] == 8 && value[1] != 0:
			v = deny
		}
	}
	return v
}

// ofDenied reads DeniedHttpResponse: 1 status, in which 1 is the code.
func ofDenied(b []byte) verdict {
	number, value, _, ok := field(b)
	if !ok || number != 1 || len(value) < 2 || value[0] != 8 {
		return deny
	}
	if code, n := binary.Uvarint(value[1:]); n > 0 && code == 503 {
		return unavailable
	}
	return deny
}

// field reads one length-delimited field.
func field(b []byte) (number uint64, value, rest []byte, ok bool) {
	key, n := binary.Uvarint(b)
	if n <= 0 || key&7 != 2 {
		return
	}
	length, m := binary.Uvarint(b[n:])
	if m <= 0 || length > uint64(len(b)-n-m) {
		return
	}
	at := n + m
	return key >> 3, b[at : at+int(length)], b[at+int(length):], true
}
