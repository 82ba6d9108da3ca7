package main

import (
	"fmt"
	"log"
	"time"
)

// awaitFirst says when it is ready, then tries until a first request is answered as it should be.
func awaitFirst(o options) {
	fmt.Println("ready")
	o.conns, o.count = 1, 1
	var last error
	for began := time.Now(); time.Since(began) < o.wait; {
		d := newDriver(o)
		c, err := dial(o.addrs[0], d)
		if err != nil {
			last = err
			time.Sleep(time.Millisecond)
			continue
		}
		c.mu.Lock()
		c.ask(d.now(), d.message(), measured)
		c.mu.Unlock()
		for until := time.Now().Add(2 * time.Second); time.Now().Before(until) && d.answered.Load() == 0 && d.fault() == nil; {
			time.Sleep(200 * time.Microsecond)
		}
		c.mu.Lock()
		counts := c.ledgers[measured].counts
		c.mu.Unlock()
		if last = d.fault(); last == nil {
			last = fmt.Errorf("answered %v", named(counts))
			if (o.expect == "allow" && counts[allow] > 0) || (o.expect == "deny" && counts[deny] > 0) {
				fmt.Println("answered")
				return
			}
		}
		d.stopped.Store(true)
		c.die(c.socket, nil)
		time.Sleep(time.Millisecond)
	}
	log.Fatal("no answer in time: ", last)
}
