using System.Globalization;
using System.Net.Security;
using System.Text.Json;
using System.Text.Json.Nodes;
using Troupe.ControlPlane.Admission.Configuration;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission.Installation;

/// <summary>What holds for the KubeVirt object's spec.</summary>
internal static class KubeVirtRules
{
    private const decimal RenewBeforeShare = 0.2m;
    private static readonly TimeSpan CaDuration = TimeSpan.FromHours(168);
    private static readonly TimeSpan ServerDuration = TimeSpan.FromHours(24);
    private static readonly FieldPath Configuration = FieldPath.Spec["configuration"];

    /// <param name="config">What the new spec makes of the cluster's settings.</param>
    public static IEnumerable<StatusCause> All(KubeVirtSpec? old, KubeVirtSpec spec, ClusterConfig config) =>
    [
        .. Patches(spec.CustomizeComponents), .. Certificates(spec.CertificateRotateStrategy?.SelfSigned), .. Tls(spec.Configuration?.TlsConfiguration),
        .. Seccomp(spec.Configuration?.SeccompConfiguration?.VirtualMachineInstanceProfile), .. Infra(spec.Infra), .. OverheadRatio(spec.Configuration?.AdditionalGuestMemoryOverheadRatio),
        .. Gates(spec.Configuration?.DeveloperConfiguration), .. Gated(old?.Configuration, spec.Configuration, config),
    ];

    private static IEnumerable<StatusCause> Patches(CustomizeComponents? customize)
    {
        foreach (var patch in customize?.Patches ?? [])
        {
            if (!IsJson(patch.Patch ?? ""))
                yield return Cause.NotSupported(FieldPath.Root, $"patch {patch.Patch} is not valid JSON");
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
        if (!isNew)
            yield break;
        var (ca, server) = (rotation.Ca?.Duration?.Value ?? CaDuration, rotation.Server?.Duration?.Value ?? ServerDuration);
        const string path = "spec.certificateRotationStrategy.selfSigned";
        if (ca < (rotation.Ca?.RenewBefore?.Value ?? Default(ca)))
            yield return Cause.Invalid(FieldPath.Root, $"CA RenewBefore cannot exceed Duration ({path}.ca.duration < {path}.ca.renewBefore)");
        if (server < (rotation.Server?.RenewBefore?.Value ?? Default(server)))
            yield return Cause.Invalid(FieldPath.Root, $"Cert RenewBefore cannot exceed Duration ({path}.server.duration < {path}.server.renewBefore)");
        if (server > ca)
            yield return Cause.Invalid(FieldPath.Root, $"Certificate duration cannot exceed CA ({path}.server.duration > {path}.ca.duration)");
    }

    private static IEnumerable<StatusCause> Tls(TLSConfiguration? tls)
    {
        if (tls?.Ciphers is not { Count: > 0 } ciphers)
            yield break;
        var field = Configuration.At("tlsConfiguration", "ciphers");
        if (tls.MinTLSVersion is null or "" or "VersionTLS13")
            yield return Cause.NotSupported(field, "You cannot specify ciphers when spec.configuration.tlsConfiguration.minTLSVersion is empty or VersionTLS13");
        foreach (var (index, cipher) in ciphers.Index())
        {
            if (!Enum.TryParse<TlsCipherSuite>(cipher, out _) || char.IsAsciiDigit(cipher[0]))
                yield return Cause.NotSupported(new FieldPath(string.Create(CultureInfo.InvariantCulture, $"{field}#{index}")), $"{cipher} is not a valid cipher");
        }
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
        if (ratio is null or "")
            yield break;
        if (!double.TryParse(ratio, NumberStyles.Float, CultureInfo.InvariantCulture, out var value))
            yield return Cause.NotSupported(FieldPath.Root, $"ratio provided, {ratio}, cannot be parsed into float: strconv.ParseFloat: parsing \"{ratio}\": invalid syntax");
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
        if (wanted?.RoleAggregationStrategy == "Manual" && !config.IsEnabled(FeatureGates.OptOutRoleAggregation))
            yield return Cause.Invalid(Configuration["roleAggregationStrategy"], $"RoleAggregationStrategy cannot be set to Manual without enabling the {FeatureGates.OptOutRoleAggregation} feature gate");
        if (wanted?.Migrations?.MaxDowntimeMs is { } downtime && downtime != old?.Migrations?.MaxDowntimeMs
            && !config.IsEnabled(FeatureGates.MigrationStallDetection) && !config.IsEnabled(FeatureGates.MigrationDowntimeTuning))
        {
            yield return Cause.Invalid(Configuration.At("migrationConfiguration", "maxDowntimeMs"),
                $"maxDowntimeMs cannot be modified without enabling the {FeatureGates.MigrationStallDetection} or {FeatureGates.MigrationDowntimeTuning} feature gate");
        }
    }

    private static TimeSpan Default(TimeSpan duration) => duration * (double)RenewBeforeShare;

    private static bool IsJson(string text)
    {
        try
        {
            return JsonNode.Parse(text) is not null;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
