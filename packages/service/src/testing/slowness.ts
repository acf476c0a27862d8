const sample = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`key ${i}`, [i, String(i), { i }]]))
/** What `work` takes on a processor of the machine that limits of waits are for, in milliseconds. */
const usual = 15

/** Something that costs the same every time: what it takes on a processor, in milliseconds. */
function work(): number {
  const begun = process.cpuUsage()
  for (let i = 0; i < 20; i++) JSON.parse(JSON.stringify(sample))
  const { user, system } = process.cpuUsage(begun)
  return (user + system) / 1000
}

// The first time takes longer: nothing is compiled yet.
work()

/** How much slower the machine is at the moment than the one that limits of waits are for; 1 when it is not. */
export function slowness(): number {
  return Math.max(1, work() / usual)
}
