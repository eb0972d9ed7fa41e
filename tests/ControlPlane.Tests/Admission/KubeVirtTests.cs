using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;
using Xunit;

namespace Troupe.ControlPlane.Tests.Admission;

/// <summary>The KubeVirt object itself.</summary>
public class KubeVirtTests
{
    private const string Kv = """{ "apiVersion": "kubevirt.io/v1", "kind": "KubeVirt", "metadata": { "name": "kubevirt", "namespace": "kubevirt" }, "spec": {} }""";

    [Theory]
    [InlineData("spec.customizeComponents", """{ "patches": [{ "resourceType": "Deployment", "resourceName": "virt-api", "type": "json", "patch": "{" }] }""", "patch \"{\" is not valid JSON")]
    [InlineData("spec.certificateRotateStrategy", """{ "selfSigned": { "ca": { "duration": "1h" }, "caRotateInterval": "1h" } }""",
        "caRotateInterval, certRotateInterval and caOverlapInterval are deprecated and conflict with CertConfig defined rotation parameters")]
    [InlineData("spec.certificateRotateStrategy", """{ "selfSigned": { "server": { "duration": "200h", "renewBefore": "10h" } } }""",
        "Certificate duration cannot exceed CA (spec.certificateRotationStrategy.selfSigned.server.duration > spec.certificateRotationStrategy.selfSigned.ca.duration)")]
    [InlineData("spec.configuration.tlsConfiguration", """{ "ciphers": ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"] }""", "You cannot specify ciphers when spec.configuration.tlsConfiguration.minTLSVersion is empty or VersionTLS13")]
    [InlineData("spec.configuration.tlsConfiguration", """{ "ciphers": ["ROT13"], "minTLSVersion": "VersionTLS12" }""", "ROT13 is not a valid cipher")]
    [InlineData("spec.configuration.tlsConfiguration", """{ "ciphers": ["TLS_DHE_RSA_WITH_AES_128_GCM_SHA256"], "minTLSVersion": "VersionTLS12" }""", "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256 is not a valid cipher")]
    [InlineData("spec.certificateRotateStrategy", """{ "selfSigned": { "certRotateInterval": "200h" } }""",
        "Certificate duration cannot exceed CA (spec.certificateRotationStrategy.selfSigned.server.duration > spec.certificateRotationStrategy.selfSigned.ca.duration)")]
    [InlineData("spec.configuration.additionalGuestMemoryOverheadRatio", "\" 2\"", "ratio provided,  2, cannot be parsed into float: strconv.ParseFloat: parsing \" 2\": invalid syntax")]
    [InlineData("spec.configuration.seccompConfiguration", """{ "virtualMachineInstanceProfile": {} }""", "spec.configuration.seccompConfiguration.virtualMachineInstanceProfile.customProfile needs to be set")]
    [InlineData("spec.infra", """{ "replicas": 0 }""", "infra replica count can't be 0")]
    [InlineData("spec.configuration.additionalGuestMemoryOverheadRatio", "\"0.5\"", "ratio provided, 0.5, cannot be smaller than 1.0")]
    [InlineData("spec.configuration.developerConfiguration", """{ "featureGates": ["Snapshot"], "disabledFeatureGates": ["Snapshot"] }""", "feature gate \"Snapshot\" exists on both \"FeatureGates\" and \"DisabledFeatureGates\"")]
    [InlineData("spec.configuration.migrations", """{ "maxDowntimeMs": 100 }""", "maxDowntimeMs cannot be modified without enabling the MigrationStallDetection feature gate")]
    public async Task Settings_that_make_no_sense_are_refused(string path, string json, string message)
    {
        var (verdict, _) = await new AdmissionHarness().UpdateAsync(Objects.Parse(Kv), Objects.Parse(Kv).Set(path, json));

        Assert.Contains(message, (verdict.Refusal?.Details?.Causes ?? []).Select(c => c.Message));
    }

    [Theory]
    [InlineData("spec.configuration.tlsConfiguration", """{ "ciphers": ["ROT13"], "minTLSVersion": "VersionTLS12" }""", true)]
    [InlineData("spec.configuration.seccompConfiguration", """{ "virtualMachineInstanceProfile": {} }""", true)]
    [InlineData("spec.configuration.developerConfiguration", """{ "featureGates": ["Snapshot"], "disabledFeatureGates": ["Snapshot"] }""", true)]
    [InlineData("spec.infra", """{ "replicas": 0 }""", false)]
    public async Task What_was_there_before_may_stay_where_KubeVirt_lets_it(string path, string json, bool isAllowed)
    {
        var (verdict, _) = await new AdmissionHarness().UpdateAsync(Objects.Parse(Kv).Set(path, json), Objects.Parse(Kv).Set(path, json).Set("spec.imageTag", "\"v2\""));

        Assert.Equal(isAllowed, verdict.IsAllowed);
        Assert.Empty(verdict.Warnings);
    }

    [Fact]
    public async Task Ciphers_that_are_not_looked_at_are_not_judged_and_of_the_others_all_are_named()
    {
        static string Ciphers(string version) => $$"""{ "ciphers": [{{string.Join(',', Enumerable.Range(0, 12).Select(i => $"\"C{i}\""))}}], "minTLSVersion": "{{version}}" }""";
        async Task<int> CountAsync(string version) =>
            (await new AdmissionHarness().UpdateAsync(Objects.Parse(Kv), Objects.Parse(Kv).Set("spec.configuration.tlsConfiguration", Ciphers(version)))).Verdict.Refusal!.Details!.Causes!.Count;

        Assert.Equal(1, await CountAsync("VersionTLS13"));
        Assert.Equal(12, await CountAsync("VersionTLS12"));
    }

    [Fact]
    public async Task Settings_under_an_old_name_are_warned_of()
    {
        var changed = Objects.Parse(Kv).Set("spec.configuration.mediatedDevicesConfiguration", """{ "mediatedDevicesTypes": ["a"], "nodeMediatedDeviceTypes": [{ "nodeSelector": {}, "mediatedDevicesTypes": ["b"] }] }""")
            .Set("spec.configuration.architectureConfiguration", """{ "ppc64le": {} }""");

        Assert.Equal(
            [
                "spec.configuration.mediatedDevicesConfiguration.mediatedDevicesTypes is deprecated, use mediatedDeviceTypes",
                "spec.configuration.mediatedDevicesConfiguration.nodeMediatedDeviceTypes[0].mediatedDevicesTypes is deprecated, use mediatedDeviceTypes",
                "spec.configuration.architectureConfiguration.ppc64le is deprecated and no longer supported.",
            ],
            (await new AdmissionHarness().UpdateAsync(Objects.Parse(Kv), changed)).Verdict.Warnings);
    }

    [Fact]
    public async Task One_is_enough()
    {
        var harness = new AdmissionHarness();
        Assert.True((await harness.CreateAsync(Objects.Parse(Kv))).Verdict.IsAllowed);
        harness.Objects.Add(new KubeVirt { Metadata = new ObjectMeta { Name = "kubevirt", Namespace = "kubevirt" } });
        Assert.Equal("Kubevirt is already created", (await harness.CreateAsync(Objects.Parse(Kv))).Verdict.Refusal?.Message);
    }

    [Fact]
    public async Task A_gate_that_is_not_needed_any_more_is_warned_of()
    {
        var (verdict, _) = await new AdmissionHarness().UpdateAsync(Objects.Parse(Kv), Objects.Parse(Kv).Set("spec.configuration.developerConfiguration", """{ "featureGates": ["LiveMigration"] }"""));
        Assert.Contains("feature gate LiveMigration is deprecated", Assert.Single(verdict.Warnings), StringComparison.Ordinal);
    }
}
