using System.Text.Json;
using Troupe.ControlPlane.Subresources;
using Troupe.Messages.Api;
using Troupe.Messages.Api.KubeVirt;
using Xunit;

namespace Troupe.ControlPlane.Tests.Subresources;

public sealed class SevCommandTests
{
    [Theory]
    [InlineData("sev/fetchcertchain", "Pending", "{}", "VMI is not assigned to a node yet")]
    [InlineData("sev/setupsession", "Running", "{}", "VMI is not in Scheduled phase")]
    [InlineData("sev/setupsession", "Scheduled", "null", "Attestation not requested for VMI")]
    [InlineData("sev/querylaunchmeasurement", "Scheduled", "{}", "VMI is not running")]
    [InlineData("sev/injectlaunchsecret", "Running", "{}", "VMI is not paused")]
    [InlineData("sev/fetchcertchain", "Running", "{}", "Troupe does not support the attestation of SEV guests")]
    public void A_refusal_says_first_what_KubeVirt_would_say(string subresource, string phase, string attestation, string text) =>
        Assert.EndsWith($"\"vm\": {text}", InfoEndpoints.SevRefusal(Instance(phase, attestation, "null"), subresource).Message);

    [Fact]
    public void A_session_is_set_up_once_and_whole()
    {
        Assert.EndsWith("Session already defined", InfoEndpoints.SevRefusal(Instance("Scheduled", "{}", "\"AAA\""), "sev/setupsession").Message);
        Assert.Equal(Refusal.BadRequest("Session blob is required"), InfoEndpoints.SessionRefusal(new SEVSessionOptions()));
        Assert.Equal(Refusal.BadRequest("DH cert is required"), InfoEndpoints.SessionRefusal(new SEVSessionOptions { Session = "AAA" }));
        Assert.Null(InfoEndpoints.SessionRefusal(new SEVSessionOptions { Session = "AAA", DhCert = "BBB" }));
    }

    private static VirtualMachineInstance Instance(string phase, string attestation, string session) => JsonSerializer.Deserialize($$"""
        { "metadata": { "name": "vm" }, "status": { "phase": "{{phase}}" },
          "spec": { "domain": { "launchSecurity": { "sev": { "attestation": {{attestation}}, "session": {{session}} } } } } }
        """, ApiJson.Default.VirtualMachineInstance)!;
}
