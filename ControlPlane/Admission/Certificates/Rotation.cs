namespace Troupe.ControlPlane.Admission.Certificates;

/// <summary>KubeVirt's defaults: an authority for a week, a certificate for a day, each replaced when a fifth of its time is left.</summary>
/// <param name="Overlap">How long a new authority is trusted before it signs, and an old one after: everybody has read the bundle by then.</param>
public sealed record RotationPolicy(TimeSpan AuthorityLifetime, TimeSpan AuthorityRenewBefore, TimeSpan ServingLifetime, TimeSpan ServingRenewBefore, TimeSpan Overlap)
{
    public static RotationPolicy Default { get; } = new(TimeSpan.FromDays(7), TimeSpan.FromDays(7) / 5, TimeSpan.FromDays(1), TimeSpan.FromDays(1) / 5, TimeSpan.FromMinutes(10));
}

/// <summary>What is to be done with the certificates now.</summary>
public enum RotationStep
{
    None,

    /// <summary>There is nothing usable: authority and certificate are made.</summary>
    Create,

    /// <summary>The next authority is made and published; it signs nothing yet.</summary>
    AnnounceAuthority,

    /// <summary>The announced authority signs from now on; the old one stays trusted.</summary>
    SwitchAuthority,

    /// <summary>Nobody serves a certificate of the old authority any more.</summary>
    DropPrevious,

    /// <summary>A new certificate of the same authority.</summary>
    RenewServing,
}

/// <summary>Decides the next step of a rotation; the outcome is stored with compare-and-swap, so any number of replicas may decide at once.</summary>
public static class Rotation
{
    /// <param name="names">Names that the certificate must be good for.</param>
    public static RotationStep Decide(CertificateSet? set, IReadOnlyList<string> names, DateTimeOffset now, RotationPolicy policy)
    {
        if (set is null || now >= set.Authority.Until)
            return RotationStep.Create;
        if (set.Next is null && now >= set.Authority.Until - policy.AuthorityRenewBefore)
            return RotationStep.AnnounceAuthority;
        if (set.Next is { } next && now >= next.From + CertificateFactory.ClockSkew + policy.Overlap)
            return RotationStep.SwitchAuthority;
        if (now >= set.Serving.Until - policy.ServingRenewBefore && set.Serving.Until < set.Authority.Until || now >= set.Serving.Until || !names.All(set.Names.Contains))
            return RotationStep.RenewServing;
        return set.Previous is not null && now >= set.Serving.From + CertificateFactory.ClockSkew + policy.Overlap ? RotationStep.DropPrevious : RotationStep.None;
    }

    /// <summary>The set after a step. Names that the certificate had are kept: another replica may be reached by them.</summary>
    public static CertificateSet Perform(RotationStep step, CertificateSet? set, IReadOnlyList<string> names, DateTimeOffset now, RotationPolicy policy)
    {
        var all = names.Union(step is RotationStep.Create ? [] : set?.Names ?? []).ToList();
        switch (step)
        {
            case RotationStep.Create:
                var authority = CertificateFactory.Authority(now, policy.AuthorityLifetime);
                return new CertificateSet(authority, null, null, CertificateFactory.Serving(authority, all, now, policy.ServingLifetime), all);
            case RotationStep.AnnounceAuthority:
                return set! with { Next = CertificateFactory.Authority(now, policy.AuthorityLifetime) };
            case RotationStep.SwitchAuthority:
                return new CertificateSet(set!.Next!, null, set.Authority.Certificate, CertificateFactory.Serving(set.Next!, all, now, policy.ServingLifetime), all);
            case RotationStep.DropPrevious:
                return set! with { Previous = null };
            case RotationStep.RenewServing:
                return set! with { Serving = CertificateFactory.Serving(set!.Authority, all, now, policy.ServingLifetime), Names = all };
            default:
                return set!;
        }
    }
}
