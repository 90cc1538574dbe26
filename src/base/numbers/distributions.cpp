/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/numbers/distributions.h"

#include <boost/math/distributions/beta.hpp>
#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>

#include <cmath>
#include <limits>

namespace
{
/* Boost reports through exceptions; C callers get NaN. */
template <typename F> double guarded(F f)
{
    try {
        return f();
    } catch (...) {
        return std::numeric_limits<double>::quiet_NaN();
    }
}
} // namespace

double mdp_normal_quantile(double p)
{
    return guarded([=] { return boost::math::quantile(boost::math::normal(), p); });
}

double mdp_normal_two_sided(double z)
{
    return guarded([=] { return 2 * boost::math::cdf(boost::math::normal(), -std::fabs(z)); });
}

double mdp_t_quantile(double p, double df)
{
    return guarded([=] { return boost::math::quantile(boost::math::students_t(df), p); });
}

double mdp_t_two_sided(double t, double df)
{
    return guarded([=] { return 2 * boost::math::cdf(boost::math::students_t(df), -std::fabs(t)); });
}

double mdp_beta_quantile(double p, double a, double b)
{
    return guarded([=] { return boost::math::quantile(boost::math::beta_distribution<>(a, b), p); });
}

double mdp_binomial_cdf(double k, double n, double p)
{
    return guarded([=] { return boost::math::cdf(boost::math::binomial(n, p), k); });
}
