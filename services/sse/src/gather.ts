/**
 * Many asking the same kind of question at once (ten thousand clients that reconnect) cost a few queries instead of one each: while one runs,
 * the next batch gathers. An answer always comes from a query that began after it was asked for.
 */
export class Gather<Ask, Answer> {
  readonly #run: (asks: readonly Ask[]) => Promise<readonly Answer[]>;
  readonly #largest: number;
  #waiting: { readonly ask: Ask; readonly resolve: (answer: Answer) => void; readonly reject: (reason: unknown) => void }[] = [];
  #running = false;

  /** `run` answers each ask of a batch, in order. */
  constructor(run: (asks: readonly Ask[]) => Promise<readonly Answer[]>, largest = 500) {
    this.#run = run;
    this.#largest = largest;
  }

  /** @throws what the query threw that this ask was part of */
  ask(ask: Ask): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ask, resolve, reject });
      if (!this.#running) void this.#work();
    });
  }

  async #work(): Promise<void> {
    this.#running = true;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, this.#largest);
      try {
        const answers = await this.#run(batch.map(({ ask }) => ask));
        batch.forEach(({ resolve, reject }, at) => {
          const answer = answers[at];
          if (answer === undefined) reject(new Error(`a batch of ${batch.length} got ${answers.length} answers`));
          else resolve(answer);
        });
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#running = false;
  }
}
