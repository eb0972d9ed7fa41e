using Akka.Actor;
using Akka.TestKit.Xunit;
using Microsoft.Extensions.Logging.Abstractions;
using Troupe.ControlPlane.Feeds;
using Troupe.ControlPlane.Tests.Machines;
using Troupe.ControlPlane.Vmi.Volumes;
using Troupe.Kubernetes.Feeds;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;
using Troupe.Messages.Protocol.Vmi;
using Xunit;

namespace Troupe.ControlPlane.Tests.Feeds;

/// <summary>What a VMI's actor is told of the claims for its TPM and UEFI state.</summary>
public sealed class VolumeFeedsTests : TestKit
{
    private readonly RecordingApi _api = new();

    [Fact]
    public async Task The_claim_with_the_guests_label_is_told_before_it_is_told_that_there_is_none_of_the_usual_name()
    {
        _api.Put(Claim("persistent-state-for-demo-xyzzy", "demo"));
        _api.Put(Claim("persistent-state-for-other-xyzzy", "other"));
        var feeds = Sys.ActorOf(VolumeFeedsActor.Props(_api, TestActor, TimeProvider.System, NullLogger.Instance));
        feeds.Tell(new FeedEvent<VirtualMachineInstance>.Observed(Vmi("demo", isPersistent: true)));
        feeds.Tell(new FeedEvent<VirtualMachineInstance>.Observed(Vmi("plain", isPersistent: false)));
        var first = ExpectMsg<ClaimObserved>(cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(("uid-demo", "persistent-state-for-demo-xyzzy", "demo"), (first.VmiUid, first.Claim.Name, first.Claim.StateOf));
        // What is known is told again once all claims are listed.
        Fish<ClaimGone>(gone => gone.ClaimName == "persistent-state-for-demo");

        // The label comes to it when its guest has.
        _api.Put(Claim("persistent-state-for-demo-abcde", null));
        _api.Put(Claim("persistent-state-for-demo-abcde", "demo"));
        Assert.Equal("demo", Fish<ClaimObserved>(seen => seen.Claim.Name == "persistent-state-for-demo-abcde").Claim.StateOf);
        await _api.DeleteAsync<PersistentVolumeClaim>("default", "persistent-state-for-demo-xyzzy", ct: TestContext.Current.CancellationToken);
        Fish<ClaimGone>(gone => gone.ClaimName == "persistent-state-for-demo-xyzzy");
    }

    private T Fish<T>(Predicate<T> wanted) => (T)FishForMessage(m => m is T t && wanted(t), cancellationToken: TestContext.Current.CancellationToken);

    private static PersistentVolumeClaim Claim(string name, string? of) => new()
    {
        Metadata = new ObjectMeta { Name = name, Namespace = "default", Uid = name, Labels = of is null ? null : new Dictionary<string, string> { [StateVolume.OwnerLabel] = of } },
        Spec = new PersistentVolumeClaimSpec { AccessModes = ["ReadWriteOnce"] },
    };

    private static VirtualMachineInstance Vmi(string name, bool isPersistent) => new()
    {
        Metadata = new ObjectMeta { Name = name, Namespace = "default", Uid = $"uid-{name}" },
        Spec = new VirtualMachineInstanceSpec { Domain = new DomainSpec { Devices = new Devices { Tpm = new TPMDevice { Persistent = isPersistent } } } },
    };
}
