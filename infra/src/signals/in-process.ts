/** Signals within one process. */
import type { Signals, Topic } from '@tidings/contracts/ports/signals';
import type { Logger } from 'pino';

export const inProcessSignals = (options: { readonly logger?: Logger } = {}): Signals => {
  const listeners = createListeners(options.logger);
  return {
    publish: (topic, payload) => listeners.tell(topic, payload),
    subscribe: (topic, listener) => listeners.add(topic, listener),
    close: async () => listeners.clear(),
  };
};

export interface Listeners {
  /** A listener that throws is logged and harms neither publisher nor other listeners. */
  tell(topic: Topic, payload: string): void;
  add(topic: Topic, listener: (payload: string) => void): () => void;
  clear(): void;
}

export const createListeners = (logger: Logger | undefined): Listeners => {
  const byTopic = new Map<Topic, Set<{ readonly call: (payload: string) => void }>>();
  return {
    tell: (topic, payload) => {
      for (const listener of byTopic.get(topic) ?? []) {
        try {
          listener.call(payload);
        } catch (error) {
          logger?.error({ err: error, topic }, 'a signal listener failed');
        }
      }
    },
    add: (topic, call) => {
      const listener = { call }; // the same function may subscribe twice
      const listeners = byTopic.get(topic) ?? new Set();
      byTopic.set(topic, listeners.add(listener));
      return () => listeners.delete(listener);
    },
    clear: () => byTopic.clear(),
  };
};
