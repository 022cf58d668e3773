/** The program of an amphora image whose agent never answers. */
setInterval(() => {}, 1_000_000);
