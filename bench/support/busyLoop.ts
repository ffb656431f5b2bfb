// A neighbour that takes a whole processor, until the process that started it is gone.
process.once('disconnect', () => process.exit());
function spin(): void {
  const until = performance.now() + 20;
  while (performance.now() < until);
  setImmediate(spin);
}
spin();
