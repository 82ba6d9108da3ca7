package tenantgate

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

const (
	assertionType      = "tenantgate-assertion+jwt"
	maxAssertionLength = 16 << 10
	// clockSkew is how far the clocks of the gate and of this service may be apart.
	clockSkew = 5 * time.Second
	// maxLifetime is far above what the gate signs for: a longer one was not made by it.
	maxLifetime = 5 * time.Minute
)

// verifier verifies assertions (RFC 7515, 7519, 8037) of one issuer for one audience.
type verifier struct {
	keys     *keySet
	issuer   string
	audience string
	now      func() time.Time
}

type claims struct {
	Issuer            string   `json:"iss"`
	Audience          string   `json:"aud"`
	Subject           string   `json:"sub"`
	Organization      string   `json:"org"`
	OrganizationRoles []string `json:"org_roles"`
	PlatformRoles     []string `json:"user_roles"`
	DecisionID        string   `json:"decision_id"`
	IssuedAt          int64    `json:"iat"`
	ExpiresAt         int64    `json:"exp"`
}

func (v *verifier) verify(ctx context.Context, assertion string) (Identity, error) {
	keyID, payload, err := v.verifySignature(ctx, assertion)
	if err != nil {
		return Identity{}, err
	}
	var stated claims
	if err := json.Unmarshal(payload, &stated); err != nil {
		return Identity{}, fmt.Errorf("%w: the claims cannot be read: %v", ErrInvalid, err)
	}
	if why := v.refuse(stated); why != "" {
		return Identity{}, fmt.Errorf("%w: %s", ErrInvalid, why)
	}
	return Identity{
		UserID:            stated.Subject,
		OrganizationID:    stated.Organization,
		OrganizationRoles: stated.OrganizationRoles,
		PlatformRoles:     stated.PlatformRoles,
		Assertion: &Assertion{
			KeyID:      keyID,
			DecisionID: stated.DecisionID,
			IssuedAt:   time.Unix(stated.IssuedAt, 0),
			ExpiresAt:  time.Unix(stated.ExpiresAt, 0),
		},
	}, nil
}

// verifySignature returns what was signed, and by which key. The algorithm is Ed25519 whatever the
// header says: another in it only makes for a better message.
func (v *verifier) verifySignature(ctx context.Context, assertion string) (string, []byte, error) {
	if len(assertion) > maxAssertionLength {
		return "", nil, fmt.Errorf("%w: the assertion is too long", ErrInvalid)
	}
	parts := strings.Split(assertion, ".")
	if len(parts) != 3 {
		return "", nil, fmt.Errorf("%w: the assertion is no compact JWS", ErrInvalid)
	}
	var decoded [3][]byte
	for i, part := range parts {
		var err error
		if decoded[i], err = decodeBase64(part); err != nil {
			return "", nil, fmt.Errorf("%w: the assertion is not base64url", ErrInvalid)
		}
	}
	keyID, why := readHeader(decoded[0])
	if why != "" {
		return "", nil, fmt.Errorf("%w: %s", ErrInvalid, why)
	}
	key, err := v.keys.key(ctx, keyID)
	if err != nil {
		return "", nil, err
	}
	signed := assertion[:len(parts[0])+1+len(parts[1])]
	if !ed25519.Verify(key, []byte(signed), decoded[2]) {
		return "", nil, fmt.Errorf("%w: the signature does not hold", ErrInvalid)
	}
	return keyID, decoded[1], nil
}

// readHeader returns the key's id, or why the header is not one of an assertion. Names are compared
// exactly, which decoding into a struct would not do.
func readHeader(text []byte) (keyID string, why string) {
	var header map[string]any
	if json.Unmarshal(text, &header) != nil {
		return "", "the header cannot be read"
	}
	if header["alg"] != "EdDSA" {
		return "", "the algorithm is not EdDSA"
	}
	if header["typ"] != assertionType {
		return "", "the type is not that of an assertion"
	}
	if _, ok := header["crit"]; ok {
		return "", "crit names an extension that is not understood"
	}
	keyID, _ = header["kid"].(string)
	if keyID == "" || len(keyID) > maxIDLength {
		return "", "the header names no key"
	}
	return keyID, ""
}

// refuse says why claims that the gate signed do not hold here and now; "" where they do.
func (v *verifier) refuse(stated claims) string {
	now := v.now()
	issued, expires := time.Unix(stated.IssuedAt, 0), time.Unix(stated.ExpiresAt, 0)
	switch {
	case stated.Issuer != v.issuer:
		return "it is of another issuer"
	case stated.Audience != v.audience:
		return "it is for another audience"
	case !now.Before(expires.Add(clockSkew)):
		return "it has expired"
	case issued.After(now.Add(clockSkew)):
		return "it is of the future"
	case expires.Sub(issued) > maxLifetime:
		return "it holds for too long"
	case !isID(stated.Subject):
		return "it names no user"
	case stated.Organization != "" && !isID(stated.Organization):
		return "it names no organization"
	}
	return ""
}

// decodeBase64 takes base64url without padding, each text in its one spelling.
func decodeBase64(text string) ([]byte, error) {
	if strings.ContainsAny(text, "\r\n") { // which the decoder would skip
		return nil, base64.CorruptInputError(0)
	}
	return base64.RawURLEncoding.Strict().DecodeString(text)
}
