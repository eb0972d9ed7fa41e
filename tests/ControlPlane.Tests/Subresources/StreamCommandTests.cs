using System.Text.Json;
using Troupe.ControlPlane.Subresources;
using Troupe.Messages.Api;
using Troupe.Messages.Api.KubeVirt;
using Xunit;

namespace Troupe.ControlPlane.Tests.Subresources;

public sealed class StreamCommandTests
{
    [Theory]
    [InlineData("1234", null, true)]
    [InlineData("1234", "", true)]
    [InlineData("1234", "T", true)]
    [InlineData("1234", "false", false)]
    [InlineData("1234", "0", false)]
    public void A_VSOCK_port_is_spoken_to_in_TLS_unless_the_client_says_no(string port, string? tls, bool secure) =>
        Assert.Equal((null, 1234, secure), StreamCommands.VsockPort(port, tls));

    [Theory]
    [InlineData("0", "false", "port must be a number from 1 to 4294967294, got '0'")]
    [InlineData(null, "false", "port must be a number from 1 to 4294967294, got ''")]
    [InlineData("22", "no", "tls must be true or false, got 'no'")]
    public void A_query_that_makes_no_sense_is_refused_by_name(string? port, string tls, string text) =>
        Assert.Equal(Refusal.BadRequest(text), StreamCommands.VsockPort(port, tls).Refusal);

    [Fact]
    public void A_guest_without_VSOCK_or_without_a_node_has_no_ports()
    {
        Assert.Equal("VSOCK is not attached.", StreamCommands.CheckVsock(Instance("Running", "{}", 5))!.Message);
        const string attached = """{ "autoattachVSOCK": true }""";
        Assert.Equal((400, "Unable to connect to VirtualMachineInstance because phase is Pending instead of Running or Scheduled"),
            (StreamCommands.CheckVsock(Instance("Pending", attached, 5))!.Code, StreamCommands.CheckVsock(Instance("Pending", attached, 5))!.Message));
        Assert.EndsWith("the guest has no VSOCK context id yet", StreamCommands.CheckVsock(Instance("Scheduled", attached, null))!.Message);
        Assert.Null(StreamCommands.CheckVsock(Instance("Running", attached, 5)));
    }

    [Fact]
    public void A_picture_of_the_display_is_refused_as_the_display_is()
    {
        Assert.Equal(Refusal.BadRequest("No graphics devices are present."), StreamCommands.CheckVnc(Instance("Running", """{ "autoattachGraphicsDevice": false }""", null)));
        Assert.Equal(Refusal.BadRequest("VMI is not running"), StreamCommands.CheckVnc(Instance("Scheduled", "{}", null)));
    }

    private static VirtualMachineInstance Instance(string phase, string devices, int? context) => JsonSerializer.Deserialize(
        $$"""{ "metadata": { "name": "vm" }, "spec": { "domain": { "devices": {{devices}} } }, "status": { "phase": "{{phase}}", "VSOCKCID": {{context?.ToString() ?? "null"}} } }""",
        ApiJson.Default.VirtualMachineInstance)!;
}
