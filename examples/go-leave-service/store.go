package main

import (
	"crypto/rand"
	"strings"
	"sync"
	"time"
)

type leave struct {
	ID             string    `json:"id"`
	OrganizationID string    `json:"organizationId"`
	UserID         string    `json:"userId"`
	From           string    `json:"from"`
	To             string    `json:"to"`
	Reason         string    `json:"reason"`
	ApprovedBy     string    `json:"approvedBy,omitempty"`
	CreatedAt      time.Time `json:"createdAt"`
}

// store keeps leave by organization. Nothing is found but through the organization it belongs to.
type store struct {
	mu    sync.RWMutex
	leave map[string][]leave
}

func newStore() *store { return &store{leave: map[string][]leave{}} }

func (s *store) add(entry leave) leave {
	entry.ID = rand.Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leave[entry.OrganizationID] = append(s.leave[entry.OrganizationID], entry)
	return entry
}

// find returns the leave of an organization whose reason holds a text, in the order it was asked for.
func (s *store) find(organizationID, text string) []leave {
	s.mu.RLock()
	defer s.mu.RUnlock()
	found := []leave{}
	for _, entry := range s.leave[organizationID] {
		if strings.Contains(entry.Reason, text) {
			found = append(found, entry)
		}
	}
	return found
}

func (s *store) approve(organizationID, id, by string) (leave, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, entry := range s.leave[organizationID] {
		if entry.ID == id {
			s.leave[organizationID][i].ApprovedBy = by
			return s.leave[organizationID][i], true
		}
	}
	return leave{}, false
}
