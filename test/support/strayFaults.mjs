// Loaded before a process of Longwatch: faults of code that nobody waits for, whenever a test sends a signal.
process.on('SIGUSR2', () => void Promise.reject(new Error('a forgotten promise')));
process.on('SIGPIPE', () =>
  setTimeout(() => {
    throw new Error('a stray timer');
  }),
);
