package main

import "strings"

// tree of path segments, by method.
type tree map[string]*node

type node struct {
	literals   map[string]*node
	parameter  *node
	name       string // of the parameter
	permission string // empty: no route ends here
}

func (t tree) add(method, template, permission string) {
	n := t[method]
	if n == nil {
		n = &node{}
		t[method] = n
	}
	for segment := range strings.SplitSeq(template[1:], "/") {
		if segment[0] == '{' {
			if n.parameter == nil {
				n.parameter = &node{name: segment[1 : len(segment)-1]}
			}
			n = n.parameter
			continue
		}
		if n.literals == nil {
			n.literals = map[string]*node{}
		}
		if n.literals[segment] == nil {
			n.literals[segment] = &node{}
		}
		n = n.literals[segment]
	}
	n.permission = permission
}

// match gives the permission that a path needs and the organization it names.
func (t tree) match(method, path string) (permission, organization string, ok bool) {
	path, _, _ = strings.Cut(path, "?")
	n := t[method]
	for n != nil && path != "" {
		segment := path[1:]
		if i := strings.IndexByte(segment, '/'); i >= 0 {
			segment, path = segment[:i], segment[i:]
		} else {
			path = ""
		}
		if next := n.literals[segment]; next != nil {
			n = next
			continue
		}
		if n = n.parameter; n != nil && n.name == "organizationId" {
			organization = segment
		}
	}
	if n == nil || n.permission == "" {
		return "", "", false
	}
	return n.permission, organization, true
}
