# Golden values of test_evidence.py for stats/meta.py: random effects by REML
# with the Hartung-Knapp adjustment, 13 BCG trials (Colditz et al. 1994; the data
# set dat.bcg of the R package metadat).
#
# Run in this folder: Rscript metafor_bcg.R   (writes metafor_bcg.json)
# The iteration limit of REML is tightened: at its default (1e-5) metafor's own
# tau2 is good to five digits only.
library(metafor)

d <- dat.bcg[, c("trial", "tpos", "tneg", "cpos", "cneg")]
es <- escalc(measure = "RR", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = d)
tight <- list(threshold = 1e-14, maxiter = 10000)
reml <- rma(yi, vi, data = es, method = "REML", control = tight)
hk <- rma(yi, vi, data = es, method = "REML", test = "knha", control = tight)
pred <- predict(hk)
# Three teams closer together than their errors: plain Hartung-Knapp is far too short there,
# so meta.py never goes below the usual standard error (metafor: test = "adhoc").
alike <- rma(c(0.10, 0.14, 0.09), c(0.04, 0.05, 0.03), method = "REML", test = "adhoc", control = tight)

num <- function(x) paste0("[", paste(trimws(formatC(x, digits = 13, format = "g")), collapse = ", "), "]")
one <- function(x) formatC(as.numeric(x), digits = 13, format = "g")
lines <- c(
  "{",
  sprintf('  "made_with": "%s, metafor %s",', R.version.string, packageVersion("metafor")),
  '  "script": "metafor_bcg.R",',
  '  "published": "metafor documentation and Viechtbauer 2010: REML estimate -0.7145, tau2 0.3132, I2 92.22, Q 152.23",',
  sprintf('  "vaccinated_cases": %s,', num(d$tpos)),
  sprintf('  "vaccinated_total": %s,', num(d$tpos + d$tneg)),
  sprintf('  "control_cases": %s,', num(d$cpos)),
  sprintf('  "control_total": %s,', num(d$cpos + d$cneg)),
  sprintf('  "log_rr": %s,', num(as.numeric(es$yi))),
  sprintf('  "variance": %s,', num(as.numeric(es$vi))),
  sprintf('  "estimate": %s,', one(hk$beta)),
  sprintf('  "tau2": %s,', one(hk$tau2)),
  sprintf('  "I2": %s,', one(hk$I2)),
  sprintf('  "Q": %s,', one(hk$QE)),
  sprintf('  "Q_p": %s,', one(hk$QEp)),
  sprintf('  "se_wald": %s,', one(reml$se)),
  sprintf('  "se_hk": %s,', one(hk$se)),
  sprintf('  "t_hk": %s,', one(hk$zval)),
  sprintf('  "p_hk": %s,', one(hk$pval)),
  sprintf('  "ci95_hk": %s,', num(c(hk$ci.lb, hk$ci.ub))),
  sprintf('  "prediction95_hk": %s,', num(c(pred$pi.lb, pred$pi.ub))),
  sprintf('  "alike_estimate_se_p": %s,', num(c(alike$beta, alike$se, alike$pval))),
  sprintf('  "alike_ci95": %s', num(c(alike$ci.lb, alike$ci.ub))),
  "}"
)
writeLines(lines, "metafor_bcg.json")
