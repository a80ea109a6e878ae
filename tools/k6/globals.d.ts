// What k6 has besides its modules, and its types leave out.
declare const console: { log(...what: unknown[]): void; error(...what: unknown[]): void };
