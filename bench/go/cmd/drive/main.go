// drive asks an ext_authz server, or an Envoy in front of one, and tells what it answered how soon.
//
//	closed loop: -conns N -streams M; each stream asks again when it is answered
//	open loop:   -open 2000x6s[,500x4s…]; Poisson arrivals whatever the server does, and latency
//	             from the time at which a request was due, so that a stall is not left out
//
// It speaks HTTP/2 itself, with the settings and header blocks that Envoy sends, because a client
// library would be dearer than the servers that are measured. With -pid it reads their CPU time from
// /proc (Linux). One JSON object on standard output.
package main

import (
	"encoding/json"
	"log"
	"os"
	"time"
)

func main() {
	log.SetFlags(0)
	o := parse()
	if o.once {
		awaitFirst(o)
		return
	}
	r, err := run(o)
	if r != nil {
		if e := json.NewEncoder(os.Stdout).Encode(r); e != nil {
			log.Fatal(e)
		}
	}
	if err != nil {
		log.Fatal(err)
	}
}

// run measures from the end of the warm-up to the end of the load.
func run(o options) (*report, error) {
	d := newDriver(o)
	for i := range o.conns {
		c, err := dial(o.addrs[i%len(o.addrs)], d)
		if err != nil {
			return nil, err
		}
		d.conns = append(d.conns, c)
	}
	before, beganNs := usage{}, int64(0)
	begin := func() { before, beganNs = readUsage(o.pids), d.now() }
	switch {
	case o.count > 0:
		begin()
		d.fill()
		d.awaitCount()
	case len(o.phases) > 0:
		go d.arrive(d.phases, 7, func(c *conn, dueNs int64) { c.ask(dueNs, d.message(), measured) })
		if d.beside.perSecond > 0 {
			all := []phase{{d.beside.perSecond, d.length()}}
			go d.arrive(all, 11, func(c *conn, dueNs int64) { c.ask(dueNs, d.messageBeside(), beside) })
		}
		time.Sleep(o.warm)
		begin()
		time.Sleep(o.length())
	default:
		d.fill()
		time.Sleep(o.warm)
		begin()
		time.Sleep(o.duration)
	}
	after, endedNs := readUsage(o.pids), d.now()
	d.finish(beganNs, endedNs)
	return d.report(before, after, endedNs-beganNs)
}
