package tenantgate

import (
	"encoding/json"
	"errors"
	"net/http"
)

// Problem is an answer as RFC 9457 has it, of the kind that the gate gives.
type Problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
}

// ProblemOf is what a client is told of an error of this package. Why an identity does not hold is not
// told: see [Config.OnRefused].
func ProblemOf(err error) Problem {
	switch {
	case errors.Is(err, ErrNotThroughGate):
		return Problem{"urn:tenantgate:not_through_gate", "The request did not come through the gate", http.StatusForbidden}
	case errors.Is(err, ErrInvalid):
		return Problem{"urn:tenantgate:invalid_identity", "The identity does not hold", http.StatusForbidden}
	case errors.Is(err, ErrPermissionDenied):
		return Problem{"urn:tenantgate:permission_denied", "A permission is missing", http.StatusForbidden}
	default:
		return Problem{"urn:tenantgate:unavailable", "The decision cannot be made now", http.StatusServiceUnavailable}
	}
}

// WriteProblem answers a request with the problem of an error.
func WriteProblem(w http.ResponseWriter, err error) {
	problem := ProblemOf(err)
	body, _ := json.Marshal(problem) // two texts and a number always marshal
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	if problem.Status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	w.WriteHeader(problem.Status)
	_, _ = w.Write(body) // a client that has gone needs no answer
}
