package tenantgate

import (
	"fmt"
	"net/http"
	"strings"
)

const maxIDLength = 255

func (h Headers) withDefaults() Headers {
	for _, name := range []struct {
		value *string
		usual string
	}{
		{&h.UserID, "x-user-id"},
		{&h.OrganizationID, "x-org-id"},
		{&h.OrganizationRole, "x-org-role"},
		{&h.UserRole, "x-user-role"},
	} {
		if *name.value == "" {
			*name.value = name.usual
		}
	}
	return h
}

// identity reads headers as they stand. Without the decision's id the gate was not asked.
func (h Headers) identity(header http.Header) (Identity, error) {
	values := map[string]string{}
	for _, name := range []string{decisionIDHeader, h.UserID, h.OrganizationID, h.OrganizationRole, h.UserRole} {
		value, err := single(header, name)
		if err != nil {
			return Identity{}, err
		}
		values[name] = value
	}
	if values[decisionIDHeader] == "" {
		return Identity{}, ErrNotThroughGate
	}
	for _, name := range []string{decisionIDHeader, h.UserID, h.OrganizationID} {
		if values[name] != "" && !isID(values[name]) {
			return Identity{}, fmt.Errorf("%w: %s holds no id", ErrInvalid, name)
		}
	}
	if values[h.UserID] == "" && values[h.OrganizationID]+values[h.OrganizationRole]+values[h.UserRole] != "" {
		return Identity{}, fmt.Errorf("%w: an organization or a role without %s", ErrInvalid, h.UserID)
	}
	return Identity{
		UserID:            values[h.UserID],
		OrganizationID:    values[h.OrganizationID],
		OrganizationRoles: splitRoles(values[h.OrganizationRole]),
		PlatformRoles:     splitRoles(values[h.UserRole]),
		DecisionID:        values[decisionIDHeader],
	}, nil
}

// set writes an identity as the gate does.
func (h Headers) set(header http.Header, identity Identity) {
	for name, value := range map[string]string{
		h.UserID:           identity.UserID,
		h.OrganizationID:   identity.OrganizationID,
		h.OrganizationRole: joinRoles(identity.OrganizationRoles),
		h.UserRole:         joinRoles(identity.PlatformRoles),
	} {
		if value == "" {
			header.Del(name)
		} else {
			header.Set(name, value)
		}
	}
}

// isID: visible ASCII without a comma, as the gate takes them from tokens.
func isID(text string) bool {
	for _, b := range []byte(text) {
		if b <= ' ' || b > '~' || b == ',' {
			return false
		}
	}
	return text != "" && len(text) <= maxIDLength
}

func splitRoles(text string) []string {
	var roles []string
	for _, role := range strings.Split(text, ",") {
		if role = strings.TrimSpace(role); role != "" {
			roles = append(roles, role)
		}
	}
	return roles
}

func joinRoles(roles []string) string {
	var text strings.Builder
	for _, b := range []byte(strings.Join(roles, ",")) {
		if b < ' ' || b > '~' {
			fmt.Fprintf(&text, "%%%02X", b)
		} else {
			text.WriteByte(b)
		}
	}
	return text.String()
}
