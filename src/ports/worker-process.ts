/** A process that answers checks. */
export interface WorkerProcess<Order> {
  /** Never waits and never throws; what a process that has ended is told is lost. */
  readonly tell: (order: Order) => void
  /** Ends it at once, whatever it does. */
  readonly kill: () => void
}

/** What is told of a process. Nothing follows `onEnd`, which comes once, whatever happened. */
export interface WorkerProcessEvents<News> {
  readonly onNews: (news: News) => void
  /** `how` in words. Its address is free. */
  readonly onEnd: (how: string) => void
}

/** Starts a process for a place, counted from 0. Never throws: a failure is an end. */
export type StartWorkerProcess<Order, News> = (
  index: number,
  events: WorkerProcessEvents<News>,
) => WorkerProcess<Order>
