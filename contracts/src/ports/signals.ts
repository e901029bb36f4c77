/**
 * Hints between services and nodes: "the log grew", "a projection moved", typing, presence. May be lost, doubled or late; whoever
 * listens must also poll (architecture §2, §6).
 */
export type Topic = 'log' | 'projection' | 'registry' | 'feed' | 'ephemeral' | 'gateway' | 'metrics';

export interface Signals {
  /**
   * Payload at most 4,000 bytes. Payloads may be coalesced: identical ones, and of those with the same `key` all but the newest.
   */
  publish(topic: Topic, payload: string, key?: string): void;
  /** Returns the unsubscribe function. */
  subscribe(topic: Topic, listener: (payload: string) => void): () => void;
  close(): Promise<void>;
}
