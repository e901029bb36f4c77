/** Read-your-writes: knows how far the live projections are, and waits for them (architecture §4). */
import type { Position } from '@tidings/contracts/ports/event-log';

export interface Freshness {
  /** Resolves when each named live projection has applied `position`; false when the budget (ms) ran out. */
  waitFor(position: Position, projections: readonly string[], budgetMs: number): Promise<boolean>;
  close(): Promise<void>;
}
