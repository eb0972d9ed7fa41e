using Xunit;

namespace Troupe.ControlPlane.Tests.Admission;

public class SchemaTests
{
    [Theory]
    [InlineData("spec.domain", "null", "spec.domain in body is required")]
    [InlineData("spec.domain.devices", "null", "spec.domain.devices in body is required")]
    [InlineData("spec.domain.cpu", """{ "cores": "two" }""", "spec.domain.cpu.cores in body must be of type integer: \"string\"")]
    [InlineData("spec.volumes[0].containerDisk.imagePullPolicy", "\"Often\"", "spec.volumes.containerDisk.imagePullPolicy in body should be one of [Always IfNotPresent Never]")]
    public async Task The_schema_speaks_first_and_alone(string path, string json, string message)
    {
        var (verdict, _) = await new AdmissionHarness().CreateAsync(Objects.Vmi().Set(path, json));

        Assert.Equal(422, verdict.Refusal!.Code);
        Assert.Equal(message, Assert.Single(verdict.Refusal.Details!.Causes!).Message);
    }

    [Theory]
    [InlineData("spec.domain.memory.guest", "\"1Gi1Gi\"", "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")]
    [InlineData("spec.domain.memory.guest", "\"\"", "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")]
    [InlineData("spec.domain.memory.guest", "\"1KM\"", "unable to parse quantity's suffix")]
    [InlineData("spec.domain.cpu", """{ "cores": -1 }""", "json: cannot unmarshal number -1 into Go struct field CPU.spec.domain.cpu.cores of type uint32")]
    [InlineData("spec.domain.devices.disks[0].bootOrder", "-1", "json: cannot unmarshal number -1 into Go struct field Disk.spec.domain.devices.disks.bootOrder of type uint")]
    public async Task What_can_not_be_read_is_a_bad_request(string path, string json, string message)
    {
        var (verdict, _) = await new AdmissionHarness().CreateAsync(Objects.Vmi().Set(path, json));

        Assert.Equal((400, message), (verdict.Refusal!.Code!.Value, verdict.Refusal.Message));
    }
}
