using Troupe.DevCluster.Controllers.Storage;
using Troupe.DevCluster.Nodes.Model;
using Xunit;

namespace Troupe.DevCluster.Tests.Controllers.Storage;

public sealed class ClaimPlanTests
{
    [Fact]
    public void The_smallest_volume_that_satisfies_a_claim_is_kept_for_it_first_and_then_bound()
    {
        var claim = Claim(gi: 2);
        var (big, fit, small) = (Volume("big", 10), Volume("fit", 3), Volume("small", 1));
        var reserve = Assert.IsType<StorageStep.ReserveVolume>(Assert.Single(Next(claim, [big, fit, small])));
        Assert.Equal("fit", reserve.Volume.Name);

        var kept = fit with { Spec = fit.Spec with { ClaimRef = new ClaimReference { Namespace = "ns", Name = "c", Uid = "u" } } };
        Assert.Equal(new StorageStep.BindClaim(claim, kept), Assert.Single(Next(claim, [big, kept, small])));
    }

    [Theory]
    [InlineData("ReadWriteMany", "Filesystem", "")]
    [InlineData("ReadWriteOnce", "Block", "")]
    [InlineData("ReadWriteOnce", "Filesystem", "fast")]
    public void A_volume_of_another_mode_or_class_is_left_alone(string mode, string volumeMode, string storageClass)
    {
        var claim = Claim(gi: 1);
        claim = claim with { Spec = claim.Spec with { AccessModes = [mode], VolumeMode = volumeMode, StorageClassName = storageClass } };
        Assert.IsType<StorageStep.TellClaim>(Assert.Single(Next(claim, [Volume("v", 5)])));
    }

    [Fact]
    public void A_claim_that_waits_for_a_consumer_is_provisioned_only_when_a_node_was_selected()
    {
        var claim = Claim(gi: 1);
        claim = claim with { Spec = claim.Spec with { StorageClassName = "wait" } };
        Assert.Equal("WaitForFirstConsumer", Assert.IsType<StorageStep.TellClaim>(Assert.Single(Next(claim, []))).Reason);
        var selected = claim with { Metadata = claim.Metadata with { Annotations = new Dictionary<string, string> { [StorageNames.SelectedNode] = "node-1" } } };
        Assert.IsType<StorageStep.Provision>(Assert.Single(Next(selected, [])));
    }

    [Fact]
    public void A_bound_claim_whose_volume_vanished_is_lost()
    {
        var claim = Claim(gi: 1);
        claim = claim with
        {
            Metadata = claim.Metadata with { Annotations = new Dictionary<string, string> { [StorageNames.BindCompleted] = "yes" } },
            Spec = claim.Spec with { VolumeName = "gone" },
            Status = new ClaimStatus { Phase = "Bound" },
        };
        Assert.Equal("Lost", Assert.IsType<StorageStep.WriteClaimStatus>(Next(claim, [])[0]).Phase);
    }

    [Fact]
    public void A_deleted_claim_keeps_its_finalizer_while_a_pod_uses_it()
    {
        var claim = Claim(gi: 1);
        claim = claim with { Metadata = claim.Metadata with { DeletionTimestamp = DateTimeOffset.UnixEpoch, Finalizers = [StorageNames.ClaimProtection] } };
        Assert.Empty(Next(claim, [], [new Pod()]));
        Assert.IsType<StorageStep.DropClaimFinalizer>(Assert.Single(Next(claim, [], [new Pod { Status = new PodStatus { Phase = "Succeeded" } }])));
    }

    [Theory]
    [InlineData("Retain", false)]
    [InlineData("Delete", true)]
    public void A_volume_whose_claim_is_gone_is_released_and_reclaimed_by_its_policy(string policy, bool deleted)
    {
        var volume = Volume("v", 1);
        volume = volume with
        {
            Spec = volume.Spec with
            {
                ClaimRef = new ClaimReference { Namespace = "ns", Name = "c", Uid = "u" },
                PersistentVolumeReclaimPolicy = policy,
                Csi = new CsiVolume { Driver = StorageNames.LocalDriver, VolumeHandle = "v" },
            },
            Status = new PersistentVolumeStatus { Phase = "Bound" },
        };
        var view = View([volume], []);
        Assert.Equal(new StorageStep.WriteVolumePhase(volume, "Released"), Assert.Single(VolumePlan.Next(volume, view)));
        var released = volume with { Status = new PersistentVolumeStatus { Phase = "Released" } };
        Assert.Equal(deleted ? [new StorageStep.DeleteVolume(released)] : [], VolumePlan.Next(released, view));
    }

    private static IReadOnlyList<StorageStep> Next(PersistentVolumeClaim claim, PersistentVolume[] volumes, Pod[]? pods = null) => ClaimPlan.Next(claim, View(volumes, pods ?? []));

    private static StorageView View(PersistentVolume[] volumes, Pod[] pods) => new(volumes, new Dictionary<string, StorageClass>
    {
        ["wait"] = new() { Metadata = new ObjectMeta { Name = "wait" }, Provisioner = StorageNames.LocalDriver, VolumeBindingMode = "WaitForFirstConsumer" },
    }, _ => pods, (_, _) => null);

    private static PersistentVolumeClaim Claim(int gi) => new()
    {
        Metadata = new ObjectMeta { Namespace = "ns", Name = "c", Uid = "u" },
        Spec = new ClaimSpec
        {
            AccessModes = ["ReadWriteOnce"],
            StorageClassName = "",
            Resources = new ContainerResources { Requests = new Dictionary<string, Quantity> { ["storage"] = Gi(gi) } },
        },
        Status = new ClaimStatus { Phase = "Pending" },
    };

    private static PersistentVolume Volume(string name, int gi) => new()
    {
        Metadata = new ObjectMeta { Name = name, Uid = name },
        Spec = new PersistentVolumeSpec { Capacity = new Dictionary<string, Quantity> { ["storage"] = Gi(gi) }, AccessModes = ["ReadWriteOnce"] },
        Status = new PersistentVolumeStatus { Phase = "Available" },
    };

    private static Quantity Gi(int count) => Quantity.Parse($"{count}Gi");
}
