package main

import (
	"errors"
	"fmt"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// report is what a run came to; times in µs, memory in MiB.
type report struct {
	Seconds    float64           `json:"seconds"`
	PerSecond  float64           `json:"perSecond"` // answers of any kind
	CPUUs      float64           `json:"cpuUs"`     // the servers', an answer
	ServerUtil float64           `json:"serverUtil"`
	DriverUtil float64           `json:"driverUtil"`
	RSS        float64           `json:"rssMiB"`
	Peak       float64           `json:"peakMiB"`
	Reconnects uint64            `json:"reconnects"`
	Counts     map[string]uint64 `json:"counts"`
	Answered   latency           `json:"answered"` // allowed or denied
	Refused    latency           `json:"refused"`  // 503
	Timeline   []momentReport    `json:"timeline,omitempty"`
	Beside     *besideReport     `json:"beside,omitempty"`
}

// besideReport is what became of the requests that came beside.
type besideReport struct {
	Counts   map[string]uint64 `json:"counts"`
	Answered latency           `json:"answered"`
	Timeline []momentReport    `json:"timeline,omitempty"`
}

type latency struct {
	P50  float64 `json:"p50"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p999"`
	Max  float64 `json:"max"`
}

type momentReport struct {
	AtMs   float64           `json:"atMs"`
	Counts map[string]uint64 `json:"counts"`
	P99    float64           `json:"p99"`
}

func (d *driver) report(before, after usage, tookNs int64) (*report, error) {
	all := d.ledgerOf(measured)
	answers := uint64(0)
	for v, n := range all.counts {
		if verdict(v) != gaveUp {
			answers += n
		}
	}
	if err := d.fault(); err != nil && answers == 0 {
		return nil, err
	}
	if answers == 0 && d.closed() {
		return nil, errors.New("no answers")
	}
	seconds := float64(tookNs) / 1e9
	r := &report{
		Seconds: seconds, PerSecond: float64(answers) / seconds,
		CPUUs:      (after.serversUs - before.serversUs) / float64(max(answers, 1)),
		ServerUtil: (after.serversUs - before.serversUs) / 1e6 / seconds,
		DriverUtil: (after.ownUs - before.ownUs) / 1e6 / seconds,
		RSS:        after.rssMiB, Peak: after.peakMiB,
		Reconnects: d.reconnects.Load(), Counts: named(all.counts), Answered: latencyOf(all.answered), Refused: latencyOf(all.refused),
	}
	r.Timeline = d.timelineOf(all)
	if d.beside.perSecond > 0 {
		other := d.ledgerOf(beside)
		r.Beside = &besideReport{named(other.counts), latencyOf(other.answered), d.timelineOf(other)}
	}
	if err := d.fault(); err != nil {
		return r, err
	}
	return r, d.unexpected(all.counts)
}

// ledgerOf all connections.
func (d *driver) ledgerOf(k kind) ledger {
	all := newLedger(d.options)
	for _, c := range d.conns {
		c.mu.Lock()
		all.merge(&c.ledgers[k])
		c.mu.Unlock()
	}
	return all
}

func (d *driver) timelineOf(l ledger) (all []momentReport) {
	for i, m := range l.timeline {
		at := float64(i) * d.bucket.Seconds() * 1_000
		all = append(all, momentReport{at, named(m.counts), latencyOf(m.answered).P99})
	}
	return
}

// unexpected is an error where a verdict is wrong. A server that cannot decide is not wrong: who reads
// the report judges how many such answers there are.
func (d *driver) unexpected(counts [verdicts]uint64) error {
	if (d.expect == "allow" && counts[deny] > 0) || (d.expect == "deny" && counts[allow] > 0) {
		return fmt.Errorf("expected only %s: %v", d.expect, named(counts))
	}
	return nil
}

func named(counts [verdicts]uint64) map[string]uint64 {
	all := map[string]uint64{}
	for v, n := range counts {
		all[verdictNames[v]] = n
	}
	return all
}

func latencyOf(h *hdrhistogram.Histogram) latency {
	us := func(quantile float64) float64 { return float64(h.ValueAtQuantile(quantile)) / 1e3 }
	return latency{us(50), us(99), us(99.9), us(100)}
}
