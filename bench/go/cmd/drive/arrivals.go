package main

import (
	"math/rand"
	"runtime"

	"golang.org/x/sys/unix"
)

// arrive hands requests to the connections when they are due, through the warm-up and all phases. It
// sleeps on an absolute clock in a thread of its own: the runtime's timers are too coarse.
func (d *driver) arrive(parts []phase, seed int64, ask func(c *conn, dueNs int64)) {
	runtime.LockOSThread()
	// Without it the kernel may add 50 µs to each sleep; a kernel that refuses only makes it coarser.
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
	var base unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &base); err != nil {
		d.lose(err)
		return
	}
	zero := base.Nano() - d.now()
	random := rand.New(rand.NewSource(seed)) // the same arrivals for each server
	due, end := 0.0, float64(d.warm)
	phases := append([]phase{{parts[0].perSecond, 0}}, parts...)
	for i, n := 0, 0; i < len(phases); i++ {
		end += float64(phases[i].lasts)
		for {
			due += random.ExpFloat64() * 1e9 / phases[i].perSecond
			if due >= end {
				due = end
				break
			}
			if d.now() < int64(due) {
				sleepUntil(zero + int64(due))
			}
			c := d.conns[n%len(d.conns)]
			n++
			c.mu.Lock()
			ask(c, int64(due))
			c.mu.Unlock()
		}
	}
}

func sleepUntil(ns int64) {
	at := unix.NsecToTimespec(ns)
	for unix.ClockNanosleep(unix.CLOCK_MONOTONIC, unix.TIMER_ABSTIME, &at, nil) == unix.EINTR {
	}
}
