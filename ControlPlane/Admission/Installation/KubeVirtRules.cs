using System.Globalization;
using System.Text.Json;
using Troupe.ControlPlane.Admission.Configuration;
using Troupe.ControlPlane.Admission.Review;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission.Installation;

/// <summary>What holds for the KubeVirt object's spec.</summary>
internal static class KubeVirtRules
{
    private const decimal RenewBeforeShare = 0.2m;
    private static readonly TimeSpan CaDuration = TimeSpan.FromHours(168);
    private static readonly TimeSpan ServerDuration = TimeSpan.FromHours(24);

    /// <summary>Those that KubeVirt's TLS library knows, good and bad ones.</summary>
    private static readonly HashSet<string> Ciphers =
    [
        "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256",
        "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA", "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
        "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "TLS_ECDHE_RSA_WITH_RC4_128_SHA",
        "TLS_RSA_WITH_3DES_EDE_CBC_SHA", "TLS_RSA_WITH_AES_128_CBC_SHA", "TLS_RSA_WITH_AES_128_CBC_SHA256", "TLS_RSA_WITH_AES_128_GCM_SHA256",
        "TLS_RSA_WITH_AES_256_CBC_SHA", "TLS_RSA_WITH_AES_256_GCM_SHA384", "TLS_RSA_WITH_RC4_128_SHA",
    ];

    private static readonly FieldPath Configuration = FieldPath.Spec["configuration"];

    /// <param name="config">What the new spec makes of the cluster's settings.</param>
    public static IEnumerable<StatusCause> All(KubeVirtSpec? old, KubeVirtSpec spec, ClusterConfig config)
    {
        var (was, now) = (old?.Configuration, spec.Configuration);
        return
        [
            .. Patches(spec.CustomizeComponents), .. Certificates(spec.CertificateRotateStrategy?.SelfSigned), .. OverheadRatio(now?.AdditionalGuestMemoryOverheadRatio),
            .. Gated(was, now, config),
            // What was accepted once may stay when something else is changed.
            .. ApiEquality.Same(was?.TlsConfiguration, now?.TlsConfiguration) ? [] : Tls(now?.TlsConfiguration),
            .. ApiEquality.Same(was?.SeccompConfiguration, now?.SeccompConfiguration) ? [] : Seccomp(now?.SeccompConfiguration?.VirtualMachineInstanceProfile),
            .. Infra(spec.Infra),
            .. AreGatesChanged(old, spec) ? Gates(now?.DeveloperConfiguration) : [],
        ];
    }

    public static bool AreGatesChanged(KubeVirtSpec? old, KubeVirtSpec spec) => spec.Configuration?.DeveloperConfiguration is { } now
        && (old?.Configuration?.DeveloperConfiguration is not { } was
            || !(was.FeatureGates ?? []).SequenceEqual(now.FeatureGates ?? []) || !(was.DisabledFeatureGates ?? []).SequenceEqual(now.DisabledFeatureGates ?? []));

    /// <summary>Settings that still work or are quietly left, and should go.</summary>
    public static IEnumerable<string> Warnings(KubeVirtSpec? old, KubeVirtSpec spec)
    {
        if (AreGatesChanged(old, spec))
        {
            foreach (var message in (spec.Configuration!.DeveloperConfiguration!.FeatureGates ?? []).Select(g => FeatureGates.Find(g)?.Message).OfType<string>())
                yield return message;
        }

        var (mediated, field) = (spec.Configuration?.MediatedDevicesConfiguration, Configuration["mediatedDevicesConfiguration"]);
        if (mediated?.MediatedDevicesTypes is not null)
            yield return $"{field["mediatedDevicesTypes"]} is deprecated, use mediatedDeviceTypes";
        foreach (var (index, _) in (mediated?.NodeMediatedDeviceTypes ?? []).Index().Where(n => n.Item.MediatedDevicesTypes is not null))
            yield return $"{field["nodeMediatedDeviceTypes"][index]["mediatedDevicesTypes"]} is deprecated, use mediatedDeviceTypes";
        if (spec.Configuration?.ArchitectureConfiguration?.Ppc64le is not null)
            yield return $"{Configuration.At("architectureConfiguration", "ppc64le")} is deprecated and no longer supported.";
    }

    private static IEnumerable<StatusCause> Patches(CustomizeComponents? customize)
    {
        foreach (var patch in customize?.Patches ?? [])
        {
            if (!IsJson(patch.Patch ?? ""))
                yield return Cause.NotSupported(FieldPath.Root, $"patch {GoText.Quoted(patch.Patch ?? "")} is not valid JSON");
        }
    }

    private static IEnumerable<StatusCause> Certificates(KubeVirtSelfSignConfiguration? rotation)
    {
        if (rotation is null)
            yield break;
        var isNew = rotation.Ca is not null || rotation.Server is not null;
        var isOld = rotation.CaRotateInterval is not null || rotation.CertRotateInterval is not null || rotation.CaOverlapInterval is not null;
        if (isNew && isOld)
            yield return Cause.NotSupported(FieldPath.Root, "caRotateInterval, certRotateInterval and caOverlapInterval are deprecated and conflict with CertConfig defined rotation parameters");
        // The old fields go before the new ones, for installations that still have them.
        var ca = (rotation.CaRotateInterval ?? rotation.Ca?.Duration)?.Value ?? CaDuration;
        var server = (rotation.CertRotateInterval ?? rotation.Server?.Duration)?.Value ?? ServerDuration;
        const string path = "spec.certificateRotationStrategy.selfSigned";
        if (ca < ((rotation.CaOverlapInterval ?? rotation.Ca?.RenewBefore)?.Value ?? Default(ca)))
            yield return Cause.Invalid(FieldPath.Root, $"CA RenewBefore cannot exceed Duration ({path}.ca.duration < {path}.ca.renewBefore)");
        if (server < (rotation.Server?.RenewBefore?.Value ?? Default(server)))
            yield return Cause.Invalid(FieldPath.Root, $"Cert RenewBefore cannot exceed Duration ({path}.server.duration < {path}.server.renewBefore)");
        if (server > ca)
            yield return Cause.Invalid(FieldPath.Root, $"Certificate duration cannot exceed CA ({path}.server.duration > {path}.ca.duration)");
    }

    private static IEnumerable<StatusCause> Tls(TLSConfiguration? tls)
    {
        if (tls?.Ciphers is not { Count: > 0 } ciphers)
            return [];
        var field = Configuration.At("tlsConfiguration", "ciphers");
        return tls.MinTLSVersion is null or "" or "VersionTLS13"
            ? [Cause.NotSupported(field, "You cannot specify ciphers when spec.configuration.tlsConfiguration.minTLSVersion is empty or VersionTLS13")]
            : ciphers.Index().Where(c => !Ciphers.Contains(c.Item))
                .Select(c => Cause.NotSupported(new FieldPath(string.Create(CultureInfo.InvariantCulture, $"{field}#{c.Index}")), $"{c.Item} is not a valid cipher"));
    }

    private static IEnumerable<StatusCause> Seccomp(VirtualMachineInstanceProfile? profile)
    {
        if (profile is null)
            yield break;
        var field = Configuration.At("seccompConfiguration", "virtualMachineInstanceProfile", "customProfile");
        var (local, runtime) = (field["localhostProfile"], field["runtimeDefaultProfile"]);
        if (profile.CustomProfile is not { } custom)
            yield return Cause.Invalid(field, $"{field} needs to be set");
        else if (custom is { LocalhostProfile: not null, RuntimeDefaultProfile: true })
        {
            yield return Cause.Invalid(local, $"{local} cannot be set when {runtime} is set");
            yield return Cause.Invalid(runtime, $"{runtime} cannot be set when {local} is set");
        }
    }

    private static IEnumerable<StatusCause> Infra(ComponentConfig? infra)
    {
        if (infra?.Replicas is 0)
            yield return Cause.Invalid(FieldPath.Root, "infra replica count can't be 0");
    }

    private static IEnumerable<StatusCause> OverheadRatio(string? ratio)
    {
        if (ratio is null)
            yield break;
        if (!double.TryParse(ratio, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out var value))
            yield return Cause.NotSupported(FieldPath.Root, $"ratio provided, {ratio}, cannot be parsed into float: strconv.ParseFloat: parsing {GoText.Quoted(ratio)}: invalid syntax");
        else if (value < 1)
            yield return Cause.NotSupported(FieldPath.Root, $"ratio provided, {ratio}, cannot be smaller than 1.0");
    }

    private static IEnumerable<StatusCause> Gates(DeveloperConfiguration? developer) =>
        (developer?.FeatureGates ?? []).Intersect(developer?.DisabledFeatureGates ?? [])
            .Select(g => Cause.Forbidden(Configuration.At("developerConfiguration", "featureGates"), $"feature gate \"{g}\" exists on both \"FeatureGates\" and \"DisabledFeatureGates\""));

    private static IEnumerable<StatusCause> Gated(KubeVirtConfiguration? old, KubeVirtConfiguration? wanted, ClusterConfig config)
    {
        if (wanted?.VirtTemplateDeployment?.Enabled is true && !config.IsEnabled(FeatureGates.Template))
            yield return Cause.Invalid(Configuration.At("virtTemplateDeployment", "enabled"), $"VirtTemplateDeployment cannot be enabled without enabling the {FeatureGates.Template} feature gate");
        if (wanted?.RoleAggregationStrategy is not (null or "AggregateToDefault") && !config.IsEnabled(FeatureGates.OptOutRoleAggregation))
            yield return Cause.Invalid(Configuration["roleAggregationStrategy"], $"RoleAggregationStrategy cannot be set to Manual without enabling the {FeatureGates.OptOutRoleAggregation} feature gate");
        if (wanted?.Migrations?.MaxDowntimeMs is { } downtime && downtime != old?.Migrations?.MaxDowntimeMs
            && !config.IsEnabled(FeatureGates.MigrationStallDetection) && !config.IsEnabled(FeatureGates.MigrationDowntimeTuning))
        {
            yield return Cause.Invalid(Configuration.At("migrationConfiguration", "maxDowntimeMs"),
                $"maxDowntimeMs cannot be modified without enabling the {FeatureGates.MigrationStallDetection} feature gate");
        }
    }

    private static TimeSpan Default(TimeSpan duration) => duration * (double)RenewBeforeShare;

    private static bool IsJson(string text)
    {
        try
        {
            using var _ = JsonDocument.Parse(text);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
