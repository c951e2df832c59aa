/** Standing: a subject's state now. `trusted` wins over all; a wrong `suspect` only loses seconds. */
const standings = ['trusted', 'unknown', 'suspect', 'hostile'] as const;
export type Standing = (typeof standings)[number];
