// gen writes what the servers are measured with: tokens inside CheckRequests, policies, subjects.
// All of it derives from fixed secrets and seeds and from the day on which it runs.
//
//	gen -out FOLDER base routes=10000 subjects=100000 fresh=20000 burst=100000
package main

import (
	"encoding/binary"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// generator of one run.
type generator struct {
	folder string
	day    time.Time
}

func main() {
	log.SetFlags(0)
	folder := flag.String("out", "data", "")
	flag.Parse()
	g := &generator{*folder, time.Now().UTC().Truncate(24 * time.Hour)}
	must(os.MkdirAll(g.folder, 0o755))
	sets := map[string]func(int){
		"base": func(int) { g.base() }, "routes": g.routes, "subjects": g.subjects,
		"fresh": g.fresh, "burst": g.burst,
	}
	for _, argument := range flag.Args() {
		name, number, _ := strings.Cut(argument, "=")
		n, _ := strconv.Atoi(number)
		set, ok := sets[name]
		if !ok || (name != "base" && n < 1) {
			log.Fatalf("not a set: %q", argument)
		}
		set(n)
	}
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func (g *generator) write(name string, b []byte) {
	must(os.WriteFile(filepath.Join(g.folder, name), b, 0o644))
}

// requests writes CheckRequests, each after its length: 4 bytes, big-endian.
func (g *generator) requests(name string, all ...[]byte) {
	var out []byte
	for _, request := range all {
		out = binary.BigEndian.AppendUint32(out, uint32(len(request)))
		out = append(out, request...)
	}
	g.write(name+".bin", out)
}

// subjectsFile writes who has to be in PostgreSQL: user, organization and role on a line.
func (g *generator) subjectsFile(name string, all []claims) {
	var out strings.Builder
	for _, c := range all {
		fmt.Fprintf(&out, "%s\t%s\t%s\n", c.Subject, c.Organization, c.Role)
	}
	g.write(name+".tsv", []byte(out.String()))
}
